import { peakMemoryOf } from '../harness/linux-process.js';
import { openPatch } from '../harness/open-patch.js';
import { startServer, type ServerProcess } from '../harness/server-process.js';
import { createUpload, download } from '../harness/tus-requests.js';

const MIB = 1024 * 1024;
const LENGTH = 600_000;

/** Sends a body of which each byte is a chunk of its own. @returns the status */
async function sendByteByByte(server: ServerProcess, length: number): Promise<number> {
  const url = await createUpload(server.url, length);
  const socket = await openPatch(url, { offset: 0, length: 'chunked' });
  await socket.send(`${'1\r\nx\r\n'.repeat(length)}0\r\n\r\n`);
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
      const statuses = await Promise.all([1, 2, 3, 4].map(() => sendByteByByte(server, LENGTH / 2)));
      expect(statuses).toEqual([204, 204, 204, 204]);
    },
  );
});
