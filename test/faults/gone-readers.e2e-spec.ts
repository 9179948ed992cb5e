import { spawn, type ChildProcess } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { eventually, within } from '../harness/eventually.js';
import { startServer } from '../harness/server-process.js';
import { temporaryFolder } from '../harness/temporary-folder.js';
import { offsetOf, send, storeUpload } from '../harness/tus-requests.js';

const MAIN = join(import.meta.dirname, '../../dist/main.js');
const children = new Set<ChildProcess>();
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});

/** The server with pipes that this test closes. */
async function served(...flags: string[]) {
  const folder = await temporaryFolder();
  const args = [
    '--host',
    '127.0.0.1',
    '--port',
    '0',
    '--upload-dir',
    folder,
    '--log-level',
    'debug',
    ...flags,
  ];
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  child.stderr.on('data', (text: Buffer) => (output += text.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const url = await eventually(
    'the line "ready at"',
    () => /ready at (http:\/\/\S+)/.exec(output)?.[1],
    30_000,
  );
  return { child, url, ended, output: () => output };
}

describe.each([
  ['one process', []],
  ['two workers', ['--workers', '2', '--locker', 'file']],
])('a server of %s', (_name, flags) => {
  it.each([['stdout'], ['stderr'], ['stdout and stderr']])(
    'serves on when the reader of its %s is gone, and ends with code 0',
    async (streams) => {
      const { child, url, ended, output } = await served(...flags);
      if (streams.includes('stdout')) child.stdout?.destroy();
      if (streams.includes('stderr')) child.stderr?.destroy();
      for (let count = 0; count < 6; count++) {
        expect(await offsetOf(await storeUpload(url, 'hello'))).toBe(5);
        expect((await send('HEAD', new URL('missing', url).href, { 'Tus-Resumable': '1.0.0' })).status).toBe(
          404,
        );
      }
      if (streams === 'stdout')
        await eventually('stderr says so', () => output().includes('stdout cannot be written to'));
      expect(child.exitCode).toBeNull();
      child.kill('SIGTERM');
      expect(await within('the end', ended)).toBe(0);
    },
  );

  it('serves on when a metrics scraper leaves in the middle', async () => {
    const server = await startServer({ flags: ['--expose-metrics', ...flags] });
    for (let count = 0; count < 20; count++) {
      await new Promise<void>((resolve) => {
        const socket = connect(server.port, '127.0.0.1', () => {
          socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n', () => socket.resetAndDestroy());
        });
        socket.on('error', () => undefined);
        socket.once('close', () => resolve());
      });
    }
    const metrics = await send('GET', new URL('/metrics', server.url).href);
    expect([metrics.status, metrics.text.length > 0]).toEqual([200, true]);
    expect(await offsetOf(await storeUpload(server.url, 'hello'))).toBe(5);
    expect((await server.stop()).code).toBe(0);
  });
});
