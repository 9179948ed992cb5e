import { eventually } from '../harness/eventually.js';
import { openPatch } from '../harness/open-patch.js';
import { startServer } from '../harness/server-process.js';
import { temporaryFolder } from '../harness/temporary-folder.js';
import { storeUpload, terminate } from '../harness/tus-requests.js';
import { startChild, type ChildApp } from './apps/child-app.js';
import { create, idOf, send, TUS, upload } from './apps/http-client.js';

const times = (output: string, line: string) => output.split(`${line}\n`).length - 1;

describe('workers of node:cluster', () => {
  let app: ChildApp;
  beforeAll(async () => {
    app = await startChild('workers.fixture.mjs', await temporaryFolder());
  });
  afterAll(() => app.end('SIGTERM'));

  it('each sees every event of all of them, once', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 8; count++) ids.push(idOf(await upload(`${app.url}/files`, 'hello')));
    await send('DELETE', `${app.url}/files/${ids[0]}`, TUS);
    await app.said(`worker 1: terminated ${ids[0]}`);
    await app.said(`worker 2: terminated ${ids[0]}`);
    for (const worker of [1, 2]) {
      for (const id of ids) {
        await app.said(`worker ${worker}: completed ${id}`);
        expect(times(app.stdout(), `worker ${worker}: created ${id} POST true`)).toBe(1);
        expect(times(app.stdout(), `worker ${worker}: completed ${id} PATCH true`)).toBe(1);
      }
    }
  });

  it.each([1, 2])('worker %d stops an upload, whichever worker receives it', async (worker) => {
    const stop = Buffer.from(String(worker)).toString('base64');
    for (let count = 0; count < 2; count++) {
      const one = await create(`${app.url}/files`, 10, { 'Upload-Metadata': `stop ${stop}` });
      const socket = await openPatch(one, { offset: 0, length: 10 });
      await socket.send('hello');
      expect((await socket.response()).status).toBe(400);
      await eventually('it is gone', async () => (await send('HEAD', one, TUS)).status === 404);
      socket.destroy();
    }
  });
});

describe('--expose-metrics', () => {
  it.each([
    ['one process', []],
    ['--workers 2', ['--workers', '2', '--locker', 'file']],
  ])('adds up the numbers of all processes: %s', async (_, flags) => {
    const server = await startServer({ flags: ['--expose-metrics', ...flags] });
    const urls: string[] = [];
    for (let count = 0; count < 7; count++) urls.push(await storeUpload(server.url, 'hello'));
    await terminate(urls[0] ?? '');
    for (let count = 0; count < 4; count++) {
      const { body } = await send('GET', new URL('/metrics', server.url).href);
      expect(body.split('\n')).toEqual(
        expect.arrayContaining([
          'tus_uploads_created_total{endpoint="default"} 7',
          'tus_uploads_finished_total{endpoint="default"} 7',
          'tus_uploads_terminated_total{endpoint="default"} 1',
          'tus_bytes_received_total{endpoint="default"} 35',
        ]),
      );
    }
  });

  it('is off by default', async () => {
    const server = await startServer();
    expect((await send('GET', new URL('/metrics', server.url).href)).status).toBe(404);
  });
});
