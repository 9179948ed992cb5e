import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { FileInfo, Lock, StoreContext, Upload } from '@nestjs-tus/core';

/** A folder of its own for every test. Call it inside `describe`. */
export function temporaryFolder(): { readonly path: string; file(name: string): string } {
  let path = '';
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'file-store-'));
  });
  afterEach(() => rm(path, { recursive: true }));
  return {
    get path() {
      return path;
    },
    file: (name) => join(path, name),
  };
}

export function infoOf(id: string, fields: Partial<FileInfo> = {}): FileInfo {
  return {
    id,
    size: 10,
    sizeIsDeferred: false,
    offset: 0,
    metaData: {},
    isPartial: false,
    isFinal: false,
    partialUploads: [],
    ...fields,
  };
}

export const text = (content: string): Readable => Readable.from([Buffer.from(content)]);

export async function contentOf(upload: Upload): Promise<string> {
  return (await buffer(await upload.getReader({}))).toString();
}

/** Changes fields of an info file, as another server or another boot would have written them. */
export async function editInfo(path: string, fields: Record<string, unknown>): Promise<void> {
  const record: unknown = JSON.parse(await readFile(path, 'utf8'));
  await writeFile(path, JSON.stringify({ ...(record as object), ...fields }));
}

/** A lock that is held until it is taken away. */
export class FakeLock implements Lock {
  held = true;

  constructor(
    readonly token: string,
    readonly previousToken?: string,
    readonly seized = false,
  ) {}

  async lock(): Promise<void> {}
  async tryLock(): Promise<boolean> {
    return this.held;
  }
  async unlock(): Promise<void> {
    this.held = false;
  }
  async isHeld(): Promise<boolean> {
    return this.held;
  }
}

/** An operation under a lock, as the engine runs it. */
export class FakeOperation implements StoreContext {
  private readonly deferred: (() => void | Promise<void>)[] = [];

  constructor(
    readonly lock?: Lock,
    readonly signal?: AbortSignal,
  ) {}

  defer(work: () => void | Promise<void>): void {
    this.deferred.push(work);
  }

  async end(): Promise<void> {
    for (let work = this.deferred.pop(); work; work = this.deferred.pop()) await work();
  }
}
