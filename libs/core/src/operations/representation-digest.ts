import type { Hash } from 'node:crypto';
import type { FileInfo, RepresentationDigests } from '../file-info.js';
import { readDigests, readWantedDigest, startHash, type DigestAlgorithm } from '../headers/digest-fields.js';
import type { StoreContext, Upload } from '../store/data-store.js';

type Hashes = ReadonlyMap<DigestAlgorithm, Hash>;

/** The digests of an upload's first bytes. */
interface State {
  readonly offset: number;
  readonly hashes: Hashes;
}

/** The digests of one request's content on top of what came before. */
export interface DigestRun {
  readonly inspect: (chunk: Buffer) => void;
  /** Keeps the state for the next request, if all that was seen is stored up to `offset`. */
  keep(offset: number): void;
}

/** Uploads whose state is kept; the one that was used longest ago is forgotten, and read again when it is complete. */
const MAX_STATES = 1_000;

/**
 * The running digests of uploads whose client has sent or wants a Repr-Digest. They live as long as this process: Node's hashes cannot be
 * saved. What another process received is read once from the store, when the upload is complete.
 */
export class RepresentationDigest {
  private readonly states = new Map<string, State>();

  /** @returns undefined when no digest is asked for, or when bytes before the offset were not seen */
  start(info: FileInfo): DigestRun | undefined {
    const hashes = this.hashesAt(info);
    if (!hashes) return undefined;
    let seen = info.offset;
    return {
      inspect(chunk) {
        seen += chunk.length;
        for (const hash of hashes.values()) hash.update(chunk);
      },
      keep: (offset) => {
        if (offset === seen) this.remember(info.id, { offset, hashes });
      },
    };
  }

  /** The digests of a complete upload, by every algorithm that is asked for. */
  async of(
    upload: Upload,
    info: FileInfo,
    context: StoreContext,
  ): Promise<ReadonlyMap<DigestAlgorithm, Buffer>> {
    const hashes = this.hashesAt(info) ?? (await this.readAll(upload, info, context));
    return new Map([...hashes].map(([algorithm, hash]) => [algorithm, hash.digest()]));
  }

  forget(uploadId: string): void {
    this.states.delete(uploadId);
  }

  /** Copies: a request whose content is taken back must leave the state as it was. */
  private hashesAt({ id, offset, digests }: FileInfo): Hashes | undefined {
    const algorithms = algorithmsOf(digests);
    if (algorithms.length === 0) return undefined;
    const state = this.states.get(id);
    const isKnown = algorithms.every((algorithm) => state?.hashes.has(algorithm));
    if (state?.offset === offset && isKnown)
      return new Map([...state.hashes].map(([algorithm, hash]) => [algorithm, hash.copy()]));
    return offset === 0 ? newHashes(algorithms) : undefined;
  }

  private async readAll(upload: Upload, { digests }: FileInfo, context: StoreContext): Promise<Hashes> {
    const hashes = newHashes(algorithmsOf(digests));
    const content: AsyncIterable<Buffer> = await upload.getReader(context);
    for await (const chunk of content) for (const hash of hashes.values()) hash.update(chunk);
    return hashes;
  }

  private remember(uploadId: string, state: State): void {
    this.states.delete(uploadId);
    this.states.set(uploadId, state);
    const [oldest] = this.states.keys();
    if (this.states.size > MAX_STATES && oldest !== undefined) this.states.delete(oldest);
  }
}

function newHashes(algorithms: readonly DigestAlgorithm[]): Hashes {
  return new Map(algorithms.map((algorithm) => [algorithm, startHash(algorithm)]));
}

function algorithmsOf(digests: RepresentationDigests | undefined): DigestAlgorithm[] {
  if (!digests) return [];
  const wanted = readWantedDigest(digests.wanted);
  const expected = [...(readDigests(digests.expected)?.keys() ?? [])];
  return [...new Set(wanted ? [...expected, wanted] : expected)];
}
