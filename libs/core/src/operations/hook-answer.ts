import { types } from 'node:util';
import { errors } from '../errors.js';
import type { FileInfoChanges, HookResponse, HookResult } from '../events/hook-event.js';
import { jsonOf, membersOf, shown } from '../events/plain-values.js';
import { readResponse } from '../events/read-response.js';
import { isProtocolField } from '../headers/field.js';
import { isMetadataKey } from '../headers/metadata.js';
import { isUploadId } from '../upload-id.js';

/**
 * Checks what a hook has returned, before anything of it is used. The copy that it gives holds nothing of the hook's own objects.
 *
 * @param hook its name, for the log
 * @throws HttpError `ERR_INTERNAL_SERVER_ERROR` (500), whose cause says what to write instead
 */
export function readHookAnswer(hook: string, answer: unknown): HookResult {
  if (answer === undefined || answer === null) return {};
  try {
    return resultOf(answer);
  } catch (error) {
    const fault = error instanceof TypeError ? error.message : `it cannot be read: ${shown(error)}`;
    throw errors.internal(new TypeError(`${hook} returned what it must not: ${fault}`));
  }
}

/** A response of a hook without the fields that are the protocol's own, and their names. */
export function withoutProtocolFields<T extends Pick<HookResponse, 'header'>>(
  response: T,
): { readonly response: T; readonly ignored: readonly string[] } {
  const { header } = response;
  const ignored = Object.keys(header ?? {}).filter(isProtocolField);
  if (!header || ignored.length === 0) return { response, ignored };
  const kept = Object.entries(header).filter(([name]) => !ignored.includes(name));
  return { response: { ...response, header: Object.fromEntries(kept) }, ignored };
}

function resultOf(answer: unknown): HookResult {
  let result: HookResult = {};
  for (const [key, value] of membersOf(answer, 'the answer')) {
    if (key === 'changes') result = { ...result, changes: changesOf(value) };
    else if (key === 'response') result = { ...result, response: responseOf(value) };
    else throw new TypeError(`${key} is unknown: write changes or response`);
  }
  return result;
}

function responseOf(value: unknown): HookResponse {
  const { response, faults } = readResponse(value);
  if (faults.length > 0) throw new TypeError(faults.join('; '));
  return response;
}

/** One reader for each change that there is. */
const CHANGES: {
  readonly [Key in keyof Required<FileInfoChanges>]: (value: unknown) => FileInfoChanges[Key];
} = {
  id: (value) => {
    if (typeof value === 'string' && isUploadId(value)) return value;
    throw new TypeError(`changes.id is ${shown(value)}: write 1 to 128 of A-Z a-z 0-9 . _ ~ -`);
  },
  metaData: (value) => {
    const pairs = membersOf(value, 'changes.metaData').map(([key, text]) => {
      if (!isMetadataKey(key)) {
        throw new TypeError(
          `changes.metaData has the key ${shown(key)}: write ASCII without spaces and commas`,
        );
      }
      return [key, textOf(text, `changes.metaData['${key}']`)];
    });
    return Object.fromEntries(pairs) as Record<string, string>;
  },
  storage: (value) => {
    const pairs = membersOf(value, 'changes.storage');
    return Object.fromEntries(pairs.map(([key, text]) => [key, textOf(text, `changes.storage['${key}']`)]));
  },
  maxSize: (value) => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw new TypeError(`changes.maxSize is ${shown(value)}: write a whole number of bytes, 0 or more`);
  },
  expiresAt: (value) => {
    const time = types.isDate(value) ? Date.prototype.getTime.call(value) : Number.NaN;
    if (!Number.isNaN(time)) return new Date(time);
    throw new TypeError(`changes.expiresAt is ${shown(value)}: write a Date that is valid`);
  },
  context: (value) => jsonOf(value, 'changes.context') as FileInfoChanges['context'],
};

function changesOf(value: unknown): FileInfoChanges {
  const changes = membersOf(value, 'changes').map(([key, change]) => {
    if (!isChange(key)) {
      throw new TypeError(`changes.${key} is unknown: write ${Object.keys(CHANGES).join(', ')}`);
    }
    return [key, CHANGES[key](change)];
  });
  return Object.fromEntries(changes) as FileInfoChanges;
}

function isChange(key: string): key is keyof typeof CHANGES {
  return Object.hasOwn(CHANGES, key);
}

function textOf(value: unknown, where: string): string {
  if (typeof value === 'string') return value;
  throw new TypeError(`${where} is ${shown(value)}: write a text`);
}
