import { within } from '../harness/eventually.js';
import { on, openPatch, storedInFile } from '../harness/open-patch.js';
import { temporaryFolder } from '../harness/temporary-folder.js';
import { download, offsetOf, patch } from '../harness/tus-requests.js';
import { startChild } from './apps/child-app.js';
import { create } from './apps/http-client.js';

const APP = 'after-upload.fixture.mjs';
const PATCHES = 20;
/** gracefulRequestCompletionTimeout, and what the end of a process takes. */
const DEADLINE_MS = 12_000;

describe('SIGTERM to an app with shutdown hooks', () => {
  it(`with ${PATCHES} running PATCHes: all are committed and answered, locks are released, exit code 0`, async () => {
    const folder = await temporaryFolder();
    const app = await startChild(APP, folder, 'ends');
    const running = await Promise.all(
      Array.from({ length: PATCHES }, async () => {
        const url = await create(`${app.url}/files`, 10);
        const socket = await openPatch(url, { offset: 0, length: 10 });
        await socket.send('hello');
        await storedInFile(folder, url, 5);
        return { url, socket };
      }),
    );
    const ended = within('the end of the process', app.end('SIGTERM'), DEADLINE_MS);
    for (const { socket } of running) {
      const { status, header } = await socket.response();
      expect([status, header('Retry-After') !== undefined]).toEqual([503, true]);
    }
    expect(await ended).toBe(0);

    const next = await startChild(APP, folder, 'ends');
    for (const { url } of running) {
      const there = on(`${next.url}/files/`, url);
      expect(await offsetOf(there)).toBe(5);
      expect((await patch(there, 5, 'world')).status).toBe(204);
      expect((await download(there)).text).toBe('helloworld');
    }
    expect(await next.end('SIGTERM')).toBe(0);
  }, 60_000);
});
