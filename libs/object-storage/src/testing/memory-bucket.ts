import type { AssemblyRules, Backend } from '../assembly.js';
import type { Objects } from '../objects.js';
import { memoryAssembly } from './memory-assembly.js';
import type { MemoryCall, NodeCall } from './memory-call.js';
import { MemoryObjects } from './memory-objects.js';
import { StoredObjects } from './stored-objects.js';
import { StoredPieces } from './stored-pieces.js';

export interface MemoryBucketOptions {
  /** Default: pieces of 5 to 1,000 bytes, up to number 1,000; up to 40 bytes are copied at once. */
  readonly rules?: Partial<AssemblyRules>;
  /** Default `version`. */
  readonly conditions?: Objects['conditions'];
  /** Default `windowed`. */
  readonly names?: 'windowed' | 'random';
  /** False for a service that cannot make a piece of an object. Default true. */
  readonly copies?: boolean;
  /** True for a service that makes an object only of all pieces that were ever stored, as Ceph's gateway. Default false. */
  readonly wantsAllPieces?: boolean;
  /** Keys on one page of a list. Default 1,000. */
  readonly pageSize?: number;
}

/** Stands between a node and the bucket: sees every call, and may fail or delay it before or after it is done. */
export type Interference = (call: MemoryCall, send: () => Promise<unknown>) => Promise<unknown>;

/** A process that uses a bucket. */
export interface MemoryNode extends Backend {
  /** Replaces the interference before. Without one, calls are left alone. */
  interfere(interference?: Interference): void;
}

const RULES: AssemblyRules = { minPiece: 5, maxPiece: 1_000, maxPieces: 1_000, maxCopy: 40, equal: false };

/**
 * An object storage in memory, for tests: what a bucket is to several processes.
 *
 * @example
 * const bucket = new MemoryBucket({ names: 'random' });
 * const [one, other] = [bucket.node(), bucket.node()];
 * one.interfere(({ name }, send) => (name === 'complete' ? new Promise(() => undefined) : send()));
 */
export class MemoryBucket {
  private readonly objects = new StoredObjects();
  private readonly pieces: StoredPieces;

  constructor(private readonly options: MemoryBucketOptions = {}) {
    const { rules, names = 'windowed', wantsAllPieces = false } = options;
    this.pieces = new StoredPieces(this.objects, { rules: { ...RULES, ...rules }, names, wantsAllPieces });
  }

  /** Another process. */
  node(): MemoryNode {
    const { conditions = 'version', copies = true, pageSize = 1_000 } = this.options;
    const { objects, pieces } = this;
    let interference: Interference | undefined;
    const call: NodeCall = <T>(name: string, key: string, work: () => Promise<T>) =>
      interference ? (interference({ name, key }, work) as Promise<T>) : work();
    return {
      objects: new MemoryObjects(objects, call, conditions, pageSize),
      assembly: memoryAssembly({ objects, pieces, call, copies }),
      interfere: (given) => (interference = given),
    };
  }

  /** Of all objects, in order. */
  keys(): string[] {
    return this.objects.keys();
  }

  /** Sessions that are neither completed nor discarded. */
  get openSessions(): number {
    return this.pieces.openSessions;
  }

  /** Removes all pieces that are no object yet, as a lifecycle rule does. */
  expireSessions(): void {
    this.pieces.discardAll();
  }

  /** Puts an object beside the store. */
  put(key: string, content: string): void {
    this.objects.set(key, Buffer.from(content), undefined);
  }

  /** The text of an object. @throws Missing */
  textOf(key: string): string {
    return this.objects.find(key).bytes.toString();
  }

  /** Removes an object beside the store. */
  remove(key: string): void {
    this.objects.delete(key);
  }
}
