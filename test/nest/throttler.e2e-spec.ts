import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Upload } from 'tus-js-client';
import { within } from '../harness/eventually.js';
import { ADAPTERS } from './adapters.js';
import { append, create, send, TUS } from './apps/http-client.js';

const ORIGIN = { Origin: 'https://app.example.com' };
const APP = join(import.meta.dirname, 'apps/throttled-app.mjs');

let child: ChildProcess | undefined;
afterEach(async () => {
  if (!child || child.exitCode !== null) return;
  const exit = once(child, 'exit');
  child.kill();
  await exit;
});

/** In a process of its own: @nestjs/throttler is CommonJS, and Jest cannot require Nest 12, as Node does. */
async function throttled(adapter: string, guard: string, ttl: number): Promise<string> {
  const started = spawn(process.execPath, [APP, adapter, guard, String(ttl)]);
  child = started;
  const url = new Promise<string>((resolve, reject) => {
    let output = '';
    const read = (text: Buffer) => {
      output += text.toString();
      const [, found] = /serving (http:\S+)/.exec(output) ?? [];
      if (found) resolve(found);
    };
    started.stdout.on('data', read);
    started.stderr.on('data', read);
    started.once('close', () => reject(new Error(`the app ended:\n${output}`)));
  });
  return within('the app serving', url, 20_000);
}

describe.each(ADAPTERS)('ThrottlerGuard on $name', ({ name }) => {
  it('refuses with 429, Retry-After, and the headers of protocol and CORS; OPTIONS never', async () => {
    const url = await throttled(name, 'ThrottlerGuard', 60_000);
    for (let count = 0; count < 2; count++) await create(`${url}/files`, 5);
    const answer = await send('POST', `${url}/files`, { ...TUS, ...ORIGIN, 'Upload-Length': 5 });
    expect(answer.status).toBe(429);
    expect(answer.headers).toMatchObject({
      'tus-resumable': '1.0.0',
      'access-control-allow-origin': '*',
      'access-control-expose-headers': expect.stringContaining('Upload-Offset'),
      'retry-after': expect.stringMatching(/^\d+$/),
    });
    for (let count = 0; count < 3; count++) {
      expect((await send('OPTIONS', `${url}/files`, ORIGIN)).status).toBe(200);
    }
  });

  it('of the docs lets a client wait and go on, and counts no PATCH', async () => {
    const url = await throttled(name, 'UploadThrottlerGuard', 1_000);
    const one = await create(`${url}/files`, 5);
    for (let offset = 0; offset < 5; offset++) expect((await append(one, offset, 'x')).status).toBe(204);
    await Promise.all([1, 2, 3].map(() => send('POST', `${url}/files`, { ...TUS, 'Upload-Length': 1 })));
    const statuses: number[] = [];
    await new Promise<void>((resolve, reject) => {
      const upload = new Upload(Buffer.from('hello'), {
        endpoint: `${url}/files/`,
        retryDelays: Array.from({ length: 100 }, () => 100),
        onAfterResponse: (_request, response) => void statuses.push(response.getStatus()),
        onError: reject,
        onSuccess: () => resolve(),
      });
      upload.start();
    });
    expect(statuses.slice(-2)).toEqual([201, 204]);
    expect(statuses.slice(0, -2).every((status) => status === 423)).toBe(true);
  });
});
