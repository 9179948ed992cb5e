import { randomBytes } from 'node:crypto';
import type { ListedKeys, ListPosition } from '../objects.js';
import { Missing } from '../problems.js';

interface StoredObject {
  readonly bytes: Buffer;
  readonly version: string;
  readonly attempt: string | undefined;
}

/** What a MemoryBucket has, for all its nodes. */
export class StoredObjects {
  private readonly objects = new Map<string, StoredObject>();

  /** In the order of their UTF-8. */
  keys(): string[] {
    return [...this.objects.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }

  has(key: string): boolean {
    return this.objects.has(key);
  }

  /** @throws Missing */
  find(key: string): StoredObject {
    const object = this.objects.get(key);
    if (!object) throw new Missing(new Error(`there is no object ${JSON.stringify(key)}`));
    return object;
  }

  /** @returns the version */
  set(key: string, bytes: Buffer, attempt: string | undefined): string {
    const version = randomName();
    this.objects.set(key, { bytes, attempt, version });
    return version;
  }

  delete(key: string): void {
    this.objects.delete(key);
  }

  list(prefix: string, { token, after }: ListPosition, limit: number): ListedKeys {
    const from = Buffer.from(token ?? after ?? '');
    const keys = this.keys().filter(
      (key) => key.startsWith(prefix) && Buffer.compare(Buffer.from(key), from) > 0,
    );
    const page = keys.slice(0, limit);
    const listed = page
      .filter((key) => !key.slice(prefix.length).includes('/'))
      .map((key) => ({ key, version: this.find(key).version }));
    if (keys.length <= limit) return { keys: listed };
    return { keys: listed, next: { token: page.at(-1), after: listed.at(-1)?.key ?? after } };
  }
}

export function randomName(): string {
  return randomBytes(8).toString('hex');
}
