import type { Assembly, ObjectRange, Part, Target } from '../assembly.js';
import type { Content, Owner } from '../objects.js';
import { bytesOf, failIfAborted, type NodeCall } from './memory-call.js';
import type { StoredObjects } from './stored-objects.js';
import type { StoredPieces } from './stored-pieces.js';

export interface MemoryAssemblyParts {
  readonly objects: StoredObjects;
  readonly pieces: StoredPieces;
  readonly call: NodeCall;
  /** False for a service that cannot make a piece of an object. */
  readonly copies: boolean;
}

/** How one process makes objects of pieces in a MemoryBucket. */
export function memoryAssembly({
  objects,
  pieces,
  call,
  copies,
}: MemoryAssemblyParts): Assembly<string, string> {
  const { rules, names, wantsAllPieces } = pieces.options;
  type At = Target<string>;
  const copy = ({ key, session }: At, number: number, source: ObjectRange, signal?: AbortSignal) =>
    call('copy', key, async () => {
      failIfAborted(signal);
      const { start, end } = source.range;
      return pieces.store(session, number, objects.find(source.key).bytes.subarray(start, end + 1));
    });
  return {
    rules,
    names,
    begin: (key: string, { attempt }: Owner, signal?: AbortSignal) =>
      call('begin', key, async () => {
        failIfAborted(signal);
        return pieces.begin(key, attempt);
      }),
    store: ({ key, session }: At, number: number, content: Content, signal?: AbortSignal) =>
      call('store', key, async () => {
        failIfAborted(signal);
        const bytes = await bytesOf(content);
        failIfAborted(signal);
        return pieces.store(session, number, bytes);
      }),
    complete: ({ key, session }: At, parts: readonly Part[], { unless, signal }) =>
      call('complete', key, async () => {
        failIfAborted(signal);
        pieces.complete(session, parts, unless);
      }),
    discard: ({ key, session }: At) => call('discard', key, async () => pieces.discard(session)),
    ...(copies && { copy }),
    ...(wantsAllPieces && {
      list: ({ key, session }: At) =>
        call('list pieces', key, async () => pieces.list(session) as Part<string>[]),
    }),
  };
}
