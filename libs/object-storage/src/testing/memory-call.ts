import type { Content } from '../objects.js';
import { Passing } from '../problems.js';

/** A call of a node. */
export interface MemoryCall {
  /** Of the method, e.g. `put`, `store`. */
  readonly name: string;
  readonly key: string;
}

/** What a node's methods go through: runs `work`, unless something interferes. */
export type NodeCall = <T>(name: string, key: string, work: () => Promise<T>) => Promise<T>;

/** @throws Passing when the call is to end */
export function failIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new Passing(signal.reason);
}

export async function bytesOf(content: Content | string): Promise<Buffer> {
  if (typeof content === 'string' || Buffer.isBuffer(content)) return Buffer.from(content);
  const chunks: Uint8Array[] = [];
  for await (const chunk of content.open()) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (bytes.length === content.size) return bytes;
  throw new RangeError(`there were ${bytes.length} bytes, not ${content.size}`);
}
