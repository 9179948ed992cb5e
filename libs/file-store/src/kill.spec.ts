import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { FileStore } from './index.js';
import { infoOf, temporaryFolder, text } from './testing/steps.js';

const CHUNK = 1_000;
const ROUNDS = 5;
const writer = join(import.meta.dirname, 'testing/killed-writer.mjs');
const library = pathToFileURL(join(import.meta.dirname, '../dist/index.js')).href;

describe.each(['crash', 'power-loss'] as const)('FileStore (%s) whose process is killed', (durability) => {
  const folder = temporaryFolder();
  const store = () => new FileStore({ directory: folder.path, durability });

  /** Kills the writer after some acknowledged chunks; answers the last offset that it told. */
  async function killAfter(chunks: number): Promise<number> {
    const child = spawn(process.execPath, [writer, folder.path, durability, library], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    let told = 0;
    let count = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      told = Number(line);
      count += 1;
      // What it does in this moment is the system's choice; lines that are still on their way are read.
      if (count === chunks) child.kill('SIGKILL');
    }
    expect(await exited).toEqual([null, 'SIGKILL']);
    return told;
  }

  it.each(Array.from({ length: ROUNDS }, (_, round) => 1 + round * 7))(
    'reports a verified boundary, at least the last one told (after %i chunks)',
    async (chunks) => {
      await store().newUpload(infoOf('a', { size: 10_000_000 }), {});
      const told = await killAfter(chunks);

      const upload = await store().getUpload('a', {});
      const { offset } = await upload.getInfo({});
      expect(offset % CHUNK).toBe(0);
      expect(offset).toBeGreaterThanOrEqual(told);
      expect(offset).toBeLessThanOrEqual(told + CHUNK);
      const content = await buffer(await upload.getReader({}));
      expect(content.length).toBe(offset);
      expect(content.every((byte, index) => byte === index % 251)).toBe(true);

      await upload.writeChunk(offset, text('end'), {});
      expect((await (await store().getUpload('a', {})).getInfo({})).offset).toBe(offset + 3);
      await store().asTerminatableUpload(upload).terminate({});
      const left = (await readdir(folder.path)).filter((name) => !name.includes('@'));
      expect(left).toEqual([]);
    },
  );
});
