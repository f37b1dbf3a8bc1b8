import { ByteWriter } from '@nereid/protocol';

/** What control endpoints answer: strings, integers, booleans, lists and objects; undefined members are left out. */
export type JsonOutput =
  | string
  | number
  | boolean
  | readonly JsonOutput[]
  | { readonly [member: string]: JsonOutput | undefined };

/** JSON text as RapidJSON writes it (upper-case `\u00XX`, members in order). */
export function jsonOutput(value: JsonOutput): Uint8Array {
  const writer = new ByteWriter(1024);
  write(writer, value);
  return writer.view();
}

function write(writer: ByteWriter, value: JsonOutput): void {
  if (typeof value === 'string') writer.string(value);
  else if (typeof value === 'number') writer.integer(value);
  else if (typeof value === 'boolean') writer.ascii(value ? 'true' : 'false');
  else if (isList(value)) writeList(writer, value);
  else writeObject(writer, value);
}

function isList(value: JsonOutput): value is readonly JsonOutput[] {
  return Array.isArray(value);
}

function writeList(writer: ByteWriter, list: readonly JsonOutput[]): void {
  writer.byte(91);
  list.forEach((item, index) => {
    if (index > 0) writer.byte(44);
    write(writer, item);
  });
  writer.byte(93);
}

function writeObject(writer: ByteWriter, object: { readonly [member: string]: JsonOutput | undefined }): void {
  writer.byte(123);
  let separated = true;
  for (const [name, member] of Object.entries(object)) {
    if (member === undefined) continue;
    if (!separated) writer.byte(44);
    separated = false;
    writer.string(name);
    writer.byte(58);
    write(writer, member);
  }
  writer.byte(125);
}
