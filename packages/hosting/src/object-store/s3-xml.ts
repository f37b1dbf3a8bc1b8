import { XMLParser } from 'fast-xml-parser';
import { uriEncode } from '../frontend/sigv4/index.ts';
import { s3Error } from './s3-errors.ts';

/** A tree of elements: text, one child set, or several elements of the same name. */
export type XmlValue = string | number | boolean | undefined | XmlTree | readonly (string | XmlTree)[];

export interface XmlTree {
  readonly [name: string]: XmlValue;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
};

function escapeXml(text: string): string {
  return text.replace(/[&<>"\r]/g, (char) => ESCAPES[char] ?? char);
}

function element(name: string, value: XmlValue): string {
  if (value === undefined) return '';
  if (Array.isArray(value)) return value.map((item) => element(name, item)).join('');
  const inner = typeof value === 'object' ? children(value as XmlTree) : escapeXml(String(value));
  return `<${name}>${inner}</${name}>`;
}

function children(tree: XmlTree): string {
  return Object.entries(tree)
    .map(([name, value]) => element(name, value))
    .join('');
}

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

/** An S3 answer document. Members that are undefined are left out. */
export function s3Document(root: string, content: XmlTree | string): string {
  const inner = typeof content === 'string' ? escapeXml(content) : children(content);
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${NAMESPACE}">${inner}</${root}>`;
}

/** Errors carry no namespace. */
export function s3ErrorDocument(tree: XmlTree): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${children(tree)}</Error>`;
}

/** Keys in listings, escaped when the client asked for `encoding-type=url` (slashes stay, as in S3). */
export function listedName(name: string, encodingType: string | undefined): string {
  return encodingType === 'url' ? uriEncode(name).replaceAll('%2F', '/') : name;
}

const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  trimValues: true,
  removeNSPrefix: true,
  isArray: (name) => name === 'Part' || name === 'Object',
});

/** Reads a request document, whose root must be `root`. Throws MalformedXML; document types (and with them entities) are refused. */
export function parseRequest(text: string, root: string): Readonly<Record<string, unknown>> {
  if (/<!DOCTYPE/i.test(text)) throw s3Error('MalformedXML');
  let parsed: unknown;
  try {
    parsed = parser.parse(text, true);
  } catch (error) {
    throw s3Error('MalformedXML', `The XML you provided was not well-formed: ${String(error).slice(0, 128)}`);
  }
  const tree = asRecord(asRecord(parsed)[root]);
  return tree;
}

/** A parsed element with children; throws MalformedXML for anything else. An empty element is an empty record. */
export function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  if (value === '') return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw s3Error('MalformedXML');
  return value as Record<string, unknown>;
}
