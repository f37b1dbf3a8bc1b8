import type { IncomingMessage, ServerResponse } from 'node:http';
import { cString, JsonObject, type JsonValue, jsonMember, jsonString, StatusError } from '@nereid/protocol';
import type { IndexEntry, LoadOverrides } from '../../inference/index.ts';
import type { FrontendContext } from '../wire/context.ts';
import { readJsonBody } from '../wire/json-body.ts';
import { type JsonOutput, jsonOutput } from '../wire/json-output.ts';
import { JSON_TYPE, sendEmpty, sendJson } from '../wire/reply.ts';

const FILE_PREFIX = 'file:';

/** `POST /v2/repository/index`, body optional: `{"ready": true}` leaves out what is not ready. */
export function repositoryIndex(context: FrontendContext, req: IncomingMessage, res: ServerResponse): void {
  readJsonBody(context, req, res, { emptyAllowed: true }, (document) => {
    const ready = jsonMember(document, 'ready');
    if (ready !== undefined && typeof ready !== 'boolean') {
      throw new StatusError('INVALID_ARG', "Invalid value for 'ready': expected a boolean");
    }
    sendJson(res, 200, jsonOutput(context.server.repositoryIndex(ready === true).map(describeEntry)));
  });
}

function describeEntry({ name, version, state, reason }: IndexEntry): JsonOutput {
  return {
    name,
    version: version === undefined ? undefined : String(version),
    state,
    reason: reason === '' ? undefined : reason,
  };
}

/** `POST /v2/repository/models/<m>/load`: answers when the model is loaded. */
export function loadModel(context: FrontendContext, req: IncomingMessage, res: ServerResponse, model: string): void {
  readJsonBody(context, req, res, { emptyAllowed: true }, async (document) => {
    await context.server.loadModel(model, readOverrides(jsonMember(document, 'parameters')));
    sendEmpty(res, 200, JSON_TYPE);
  });
}

function readOverrides(parameters: JsonValue | undefined): LoadOverrides | undefined {
  if (parameters === undefined) return undefined;
  if (!(parameters instanceof JsonObject)) throw new StatusError('INTERNAL', 'attempt to get members for non-object');
  let config: string | undefined;
  const files = new Map<string, Uint8Array>();
  for (const memberName of parameters.names) {
    const name = cString(memberName);
    const text = jsonString(parameters.get(memberName));
    if (name === 'config') config = cString(text);
    // Buffer reads base64 as libb64 does: what is not in the alphabet is skipped.
    else if (name.startsWith(FILE_PREFIX)) files.set(name.slice(FILE_PREFIX.length), Buffer.from(text, 'base64'));
    else throw new StatusError('INTERNAL', 'unexpected error on creating Triton parameter');
  }
  return { ...(config === undefined ? {} : { config }), ...(files.size === 0 ? {} : { files }) };
}

/** `POST /v2/repository/models/<m>/unload`: answers at once, while requests in flight finish. */
export function unloadModel(context: FrontendContext, req: IncomingMessage, res: ServerResponse, model: string): void {
  readJsonBody(context, req, res, { emptyAllowed: true }, async (document) => {
    // Triton unloads without dependents where this is no boolean: the error it makes of that is lost.
    const unloadDependents = jsonMember(jsonMember(document, 'parameters'), 'unload_dependents') === true;
    await context.server.unloadModel(model, { unloadDependents });
    sendEmpty(res, 200, JSON_TYPE);
  });
}
