import { useStoppedClock } from '../harness/clock.js';
import { eventually } from '../harness/eventually.js';
import { startInProcess, type InProcessServer } from '../harness/in-process-server.js';
import { RawSocket } from '../harness/raw-socket.js';
import {
  create,
  createUpload,
  download,
  extensionsOf,
  head,
  offsetOf,
  OFFSET_STREAM,
  patch,
  storeUpload,
  terminate,
} from '../harness/tus-requests.js';
import { IMF_FIXDATE } from '../harness/wire-values.js';

const AFTER_MS = 60_000;
const GONE = [404, 410];

const clock = useStoppedClock();
let server: InProcessServer;
let sweeping: InProcessServer;
beforeAll(async () => {
  server = await startInProcess({ expiration: { after: AFTER_MS, sweepInterval: 0 } });
  sweeping = await startInProcess({ expiration: { after: AFTER_MS, sweepInterval: 20 } });
});

/** An HTTP date has whole seconds: what is left of one is lost. */
const secondsLeft = (expires: unknown) => Math.ceil((Date.parse(String(expires)) - Date.now()) / 1000);

describe('expiration', () => {
  it('EX1: is announced', async () => {
    expect(await extensionsOf(server.url)).toContain('expiration');
  });

  it('EX2: POST and every PATCH of an unfinished upload say when it expires', async () => {
    const created = await create(server.url, { 'Upload-Length': '10' });
    expect(secondsLeft(created.headers['upload-expires'])).toBe(AFTER_MS / 1000);
    const url = new URL(created.headers.location ?? '', server.url).href;
    clock.pass(10_000);
    for (const [offset, part] of [
      [0, 'hello'],
      [5, ''],
      [5, 'wor'],
    ] as const) {
      const reply = await patch(url, offset, part);
      expect(reply.status).toBe(204);
      expect(secondsLeft(reply.headers['upload-expires'])).toBe(AFTER_MS / 1000);
    }
  });

  it('EX2: a finished upload does not expire, and says nothing of it', async () => {
    const url = await createUpload(server.url, 5);
    expect((await patch(url, 0, 'hello')).headers).not.toHaveProperty('upload-expires');
    expect((await head(url)).headers).not.toHaveProperty('upload-expires');
  });

  it('EX3: in the form of RFC 9110, in the future', async () => {
    const created = await create(server.url, { 'Upload-Length': '10' });
    const expires = String(created.headers['upload-expires']);
    expect(expires).toMatch(IMF_FIXDATE);
    expect(Date.parse(expires)).toBeGreaterThan(Date.now());
    const url = new URL(created.headers.location ?? '', server.url).href;
    expect((await patch(url, 0, 'hello')).headers['upload-expires']).toMatch(IMF_FIXDATE);
  });

  it.each([
    ['HEAD', head],
    ['PATCH', (url: string) => patch(url, 5, 'world')],
    ['DELETE', terminate],
    ['GET', download],
  ])('EX4: %s of an expired upload is 404 or 410, without an offset', async (_, ask) => {
    const url = await createUpload(server.url, 10);
    await patch(url, 0, 'hello');
    clock.pass(AFTER_MS + 1_000);
    const reply = await ask(url);
    expect(GONE).toContain(reply.status);
    expect(reply.headers).not.toHaveProperty('upload-offset');
  });

  it('EX5: every PATCH moves the time on', async () => {
    const url = await createUpload(server.url, 10);
    for (const offset of [0, 1, 2]) {
      clock.pass(AFTER_MS - 1_000);
      expect((await patch(url, offset, 'x')).status).toBe(204);
    }
    clock.pass(AFTER_MS - 1_000);
    expect(await offsetOf(url)).toBe(3);
  });

  it('EX5: never hits a finished upload', async () => {
    const url = await storeUpload(sweeping.url, 'kept');
    const bait = await createUpload(sweeping.url, 10);
    clock.pass(100 * AFTER_MS);
    await swept(bait);
    expect((await head(url)).status).toBe(200);
    expect((await download(url)).text).toBe('kept');
  });

  it('EX5: never hits an upload that is being received', async () => {
    const url = await createUpload(sweeping.url, 10);
    const socket = await RawSocket.connect(sweeping.port);
    const fields = {
      'Tus-Resumable': '1.0.0',
      'Content-Type': OFFSET_STREAM,
      'Upload-Offset': '0',
      'Content-Length': '10',
    };
    await socket.sendHead('PATCH', new URL(url).pathname, fields);
    await socket.send('hello');
    await eventually('arrival of the first bytes', () => sweeping.progress(url) === 5);
    const bait = await createUpload(sweeping.url, 10);
    clock.pass(2 * AFTER_MS);
    await swept(bait);
    await socket.send('world');
    expect((await socket.response()).status).toBe(204);
    expect((await download(url)).text).toBe('helloworld');
  });

  it('is carried out by a sweeper, which reports it once', async () => {
    const url = await createUpload(sweeping.url, 10);
    await patch(url, 0, 'hello');
    clock.pass(AFTER_MS + 1_000);
    await swept(url);
    expect(expiredEvents(url)).toBe(1);
    expect(GONE).toContain((await head(url)).status);
  });
});

const expiredEvents = (url: string) =>
  sweeping.events.filter(({ name, event }) => name === 'expired' && url.endsWith(event.upload.id)).length;

async function swept(url: string): Promise<void> {
  await eventually('removal by the sweeper', async () => {
    const left = await sweeping.uploads();
    return !left.some(({ id }) => url.endsWith(id)) && expiredEvents(url) > 0;
  });
}
