import { StatusError } from '../status.ts';

/** RapidJSON's messages (`GetParseError_En`), which clients of Triton know. */
const JSON_ERRORS = {
  documentEmpty: 'The document is empty.',
  rootNotSingular: 'The document root must not be followed by other values.',
  valueInvalid: 'Invalid value.',
  missingName: 'Missing a name for object member.',
  missingColon: 'Missing a colon after a name of object member.',
  missingCommaOrBrace: "Missing a comma or '}' after an object member.",
  missingCommaOrBracket: "Missing a comma or ']' after an array element.",
  badHexDigit: 'Incorrect hex digit after \\u escape in string.',
  badSurrogate: 'The surrogate pair in string is invalid.',
  badEscape: 'Invalid escape character in string.',
  missingQuote: 'Missing a closing quotation mark in string.',
  numberTooBig: 'Number too big to be stored in double.',
  missingFraction: 'Miss fraction part in number.',
  missingExponent: 'Miss exponent in number.',
} as const;

export type JsonErrorKind = keyof typeof JSON_ERRORS;

/** A syntax error at `offset` bytes from the start of the text, as StatusError INTERNAL (HTTP 500 in Triton). */
export function jsonSyntaxError(kind: JsonErrorKind, offset: number): StatusError {
  return new StatusError('INTERNAL', `failed to parse the request JSON buffer: ${JSON_ERRORS[kind]} at ${offset}`);
}
