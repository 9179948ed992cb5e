import { eventually } from '../harness/eventually.js';
import { randomContent } from '../harness/random-content.js';
import { startServer, type ServerProcess } from '../harness/server-process.js';
import { DraftClient, locationOf, versions } from './draft-requests.js';

function start(options: { uploadDir?: string } = {}): Promise<ServerProcess> {
  return startServer({
    ...options,
    flags: ['--enable-experimental-protocol', '--progress-interval', '10ms'],
  });
}

describe('a server that is killed', () => {
  it.each(versions(({ interop }) => interop === 9 || interop === 6))(
    'U2, ST1, U9: during a creation whose 104 was seen keeps what it told, and the upload goes on, %s',
    async (_, spoken) => {
      const content = randomContent('killed', 3_000_000);
      const first = await start();
      const before = new DraftClient(first, spoken);
      const socket = await before.open('POST', '/files/', {
        complete: true,
        headers: { 'Content-Length': String(content.length) },
      });
      const target = locationOf(await socket.message('POST'));
      await socket.send(content.subarray(0, 2_000_000));
      // What 104 has told is kept, whatever happens.
      const told = await eventually('progress', async () =>
        Number((await socket.message('POST')).header('Upload-Offset')),
      );
      await first.stop('SIGKILL');

      const second = await start({ uploadDir: first.uploadDir });
      const after = new DraftClient(second, spoken);
      const { offset, length, complete } = await after.state(target);
      expect(offset).toBeGreaterThanOrEqual(told);
      expect([length, complete]).toEqual([content.length, false]);
      const rest = await after.append(target, content.subarray(offset), { complete: true, offset });
      expect(after.isComplete(rest)).toBe(true);
      expect((await after.get(target)).body.equals(content)).toBe(true);
      await second.stop();

      const third = new DraftClient(await start({ uploadDir: first.uploadDir }), spoken);
      expect(await third.state(target)).toEqual({ offset: content.length, length, complete: true });
    },
  );

  it('ST6: after an append that reached the length without ?1 is not complete', async () => {
    const first = await start();
    const [[, spoken]] = versions(({ interop }) => interop === 9) as [[string, DraftClient['spoken']]];
    const before = new DraftClient(first, spoken);
    const target = await before.reserve({ length: 5 });
    await before.append(target, 'hello', { complete: false, offset: 0 });
    await first.stop('SIGKILL');
    const after = new DraftClient(await start({ uploadDir: first.uploadDir }), spoken);
    expect(await after.state(target)).toEqual({ offset: 5, length: 5, complete: false });
    expect(after.isComplete(await after.append(target, '', { complete: true, offset: 5 }))).toBe(true);
  });
});

describe('a server that shuts down', () => {
  it.each(versions(({ interop }) => interop === 9))(
    'answers 503 with what it kept, %s',
    async (_, spoken) => {
      const first = await start();
      const before = new DraftClient(first, spoken);
      const socket = await before.open('POST', '/files/', {
        complete: true,
        headers: { 'Content-Length': '10' },
      });
      const target = locationOf(await socket.message('POST'));
      await socket.send('hello');
      await eventually('progress', async () =>
        Number((await socket.message('POST')).header('Upload-Offset')),
      );
      first.signal('SIGTERM');
      const response = await socket.response('POST');
      expect(response.status).toBe(503);
      expect(response.header('Retry-After')).toBe('1');
      expect((await first.exited).code).toBe(0);
      const after = new DraftClient(await start({ uploadDir: first.uploadDir }), spoken);
      expect(await after.state(target)).toEqual({ offset: 5, length: 10, complete: false });
    },
  );
});
