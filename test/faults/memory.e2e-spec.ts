import { readdir } from 'node:fs/promises';
import { jest } from '@jest/globals';
import { descriptorsOf, peakMemoryOf } from '../harness/linux-process.js';
import { openPatch } from '../harness/open-patch.js';
import { startServer, type ServerProcess } from '../harness/server-process.js';
import { create, createUpload, download, patch } from '../harness/tus-requests.js';

const MIB = 1024 * 1024;
const LENGTH = 600_000;
/** Nothing here is about time, and much is sent. */
const PATIENCE_MS = 120_000;
jest.setTimeout(2 * PATIENCE_MS);

/** Sends a body of which each byte is a chunk of its own. @returns the status */
async function sendByteByByte(server: ServerProcess, length: number): Promise<number> {
  const url = await createUpload(server.url, length);
  const headers = { Connection: 'close' };
  const socket = await openPatch(url, { offset: 0, length: 'chunked', headers });
  await socket.send(`${'1\r\nx\r\n'.repeat(length)}0\r\n\r\n`);
  await socket.closed(PATIENCE_MS);
  const { status } = await socket.response();
  expect((await download(url)).text).toBe('x'.repeat(length));
  return status;
}

describe('a body in pieces of one byte', () => {
  it('costs memory for its bytes, not for its pieces', async () => {
    const server = await startServer();
    const before = await peakMemoryOf(server.pid);
    expect(await sendByteByByte(server, LENGTH)).toBe(204);
    expect((await peakMemoryOf(server.pid)) - before).toBeLessThan(150 * MIB);
  });

  it.each(['file', 'memory'])(
    'does not end a process with a small heap, on several connections (%s)',
    async (store) => {
      const server = await startServer({
        flags: ['--store', store],
        nodeFlags: ['--max-old-space-size=128'],
      });
      const statuses = await Promise.all([1, 2, 3, 4].map(() => sendByteByByte(server, LENGTH / 4)));
      expect(statuses).toEqual([204, 204, 204, 204]);
    },
  );
});

describe('final uploads', () => {
  /** One head of at most 128 KiB. */
  const naming = (urls: readonly string[]) => `final;${urls.map((url) => new URL(url).pathname).join(' ')}`;

  it('of one unfinished part, named thousands of times, are refused and leave nothing', async () => {
    const server = await startServer({ nodeFlags: ['--max-old-space-size=128'] });
    const part = await createUpload(server.url, 10, { 'Upload-Concat': 'partial' });
    const header = `final;${Array.from({ length: 3_000 }, () => new URL(part).pathname).join(' ')}`;
    for (let count = 0; count < 400; count += 1) {
      const reply = await create(server.url, { 'Upload-Concat': header });
      expect([reply.status, reply.text]).toEqual([400, expect.stringMatching(/^ERR_INVALID_CONCAT: /)]);
    }
    expect((await readdir(server.uploadDir)).length).toBeLessThanOrEqual(3);
  });

  it('are joined with few descriptors, however many there are', async () => {
    const server = await startServer();
    const parts = await inTurns(Array.from({ length: 900 }), () => createPart(server.url));
    const before = await descriptorsOf(server.pid);
    let most = 0;
    const looking = setInterval(
      () => void descriptorsOf(server.pid).then((count) => (most = Math.max(most, count))),
      2,
    );
    const finals = await Promise.all(
      Array.from({ length: 8 }, () => create(server.url, { 'Upload-Concat': naming(parts) })),
    );
    clearInterval(looking);
    expect(finals.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 201));
    expect(most - before).toBeLessThan(100);
  });
});

describe('--max-partials', () => {
  it('takes a final upload of as many parts, and refuses one more, leaving nothing', async () => {
    const server = await startServer({ flags: ['--max-partials', '10'] });
    const parts = await inTurns(Array.from({ length: 11 }), () => createPart(server.url));
    const names = parts.map((url) => new URL(url).pathname);
    const files = (await readdir(server.uploadDir)).length;
    const refused = await create(server.url, { 'Upload-Concat': `final;${names.join(' ')}` });
    expect([refused.status, refused.text]).toEqual([
      400,
      expect.stringMatching(/^ERR_INVALID_CONCAT: .* 10\b/),
    ]);
    expect((await readdir(server.uploadDir)).length).toBe(files);
    const joined = await create(server.url, { 'Upload-Concat': `final;${names.slice(0, 10).join(' ')}` });
    expect(joined.status).toBe(201);
  });

  it('takes a part eight times, and not nine', async () => {
    const server = await startServer();
    const path = new URL(await createPart(server.url)).pathname;
    const named = (times: number) =>
      create(server.url, { 'Upload-Concat': `final;${Array.from({ length: times }, () => path).join(' ')}` });
    expect((await named(8)).status).toBe(201);
    expect((await named(9)).status).toBe(400);
  });
});

async function createPart(collection: string): Promise<string> {
  const url = await createUpload(collection, 1, { 'Upload-Concat': 'partial' });
  expect((await patch(url, 0, 'x')).status).toBe(204);
  return url;
}

/** Does `work` for each, eight at a time. */
async function inTurns<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < items.length; start += 8) {
    results.push(...(await Promise.all(items.slice(start, start + 8).map(work))));
  }
  return results;
}
