import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FileStore, type FileStoreOptions } from '@nestjs-tus/file-store';
import { startInProcess, type InProcessOptions, type InProcessServer } from '../harness/in-process-server.js';
import { temporaryFolder } from '../harness/temporary-folder.js';

/** A server whose uploads lie in a folder that the test has its hands in. */
export interface FolderServer extends InProcessServer {
  readonly folder: string;
  /** Where the content of an upload is. */
  fileOf(url: string): string;
  infoOf(url: string): string;
  /** Changes fields of an info; undefined removes one. */
  editInfo(url: string, fields: Record<string, unknown>): Promise<void>;
  names(): Promise<string[]>;
}

export async function startInFolder(
  options: InProcessOptions & Omit<FileStoreOptions, 'directory'> & { readonly directory?: string } = {},
): Promise<FolderServer> {
  const { directory, durability, ...others } = options;
  const folder = directory ?? (await temporaryFolder());
  const server = await startInProcess({
    ...others,
    store: new FileStore({ directory: folder, durability }),
  });
  const fileOf = (url: string) => join(folder, url.slice(url.lastIndexOf('/') + 1));
  const infoOf = (url: string) => `${fileOf(url)}.info`;
  return Object.assign(server, {
    folder,
    fileOf,
    infoOf,
    names: async () => (await readdir(folder)).sort(),
    editInfo: async (url: string, fields: Record<string, unknown>) => {
      const record: unknown = JSON.parse(await readFile(infoOf(url), 'utf8'));
      await writeFile(infoOf(url), JSON.stringify({ ...(record as object), ...fields }));
    },
  });
}
