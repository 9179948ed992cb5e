import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TusTestClient } from 'nestjs-tus/testing';
import { eventually, within } from '../harness/eventually.js';
import { temporaryFolder } from '../harness/temporary-folder.js';
import { startProcess } from '../nest/apps/child-app.js';

const ROOT = join(import.meta.dirname, '../..');
const { idOf } = TusTestClient;

beforeAll(() => {
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [compiler, '-p', 'docs/examples'], { cwd: ROOT, stdio: 'inherit' });
}, 60_000);

async function start(name: string, env: NodeJS.ProcessEnv = {}) {
  const cwd = await temporaryFolder();
  const app = await startProcess([join(ROOT, 'docs/examples/dist/main.js'), name], {
    cwd,
    env: { ...process.env, PORT: '0', NO_COLOR: '1', ...env },
  });
  return { ...app, cwd, client: new TusTestClient(`${app.url}/files`) };
}

describe('docs/examples', () => {
  it('auth-and-ownership: a user reaches their own uploads only', async () => {
    const { client, url } = await start('auth-and-ownership');
    const ada = { Authorization: 'Bearer token-of-ada' };
    const bob = { Authorization: 'Bearer token-of-bob' };
    expect((await client.create(5)).status).toBe(401);
    const part = await client.upload('hello', { headers: { ...ada, 'Upload-Concat': 'partial' } });
    for (const [headers, status] of [
      [ada, 200],
      [bob, 404],
    ] as const) {
      expect((await client.status(part, headers)).status).toBe(status);
      expect((await client.download(part, headers)).status).toBe(status);
    }
    for (const [headers, status] of [
      [ada, 200],
      [bob, 404],
      [{}, 401],
    ] as const) {
      expect((await fetch(`${part}/name`, { headers })).status).toBe(status);
    }
    expect((await fetch(`${url}/files/f00/name`, { headers: bob })).status).toBe(404);
    expect((await client.append(part, 5, '', bob)).status).toBe(404);
    expect((await client.terminate(part, bob)).status).toBe(404);
    const join = (headers: Record<string, string>) =>
      fetch(client.collection, {
        method: 'POST',
        headers: {
          'Tus-Resumable': '1.0.0',
          'Upload-Concat': `final;${new URL(part).pathname}`,
          ...headers,
        },
      });
    expect((await join(bob)).status).toBe(404);
    expect((await join(ada)).status).toBe(201);
    expect((await client.terminate(part, ada)).status).toBe(204);
  });

  it('store-by-configuration: the environment chooses', async () => {
    const file = await start('store-by-configuration', { UPLOAD_DIRECTORY: 'kept', UPLOAD_MAX_SIZE: '5' });
    const id = idOf(await file.client.upload('hello'));
    expect(await readdir(join(file.cwd, 'kept'))).toEqual(expect.arrayContaining([id, `${id}.info`]));
    expect((await file.client.create(6)).status).toBe(413);
    const memory = await start('store-by-configuration', { UPLOAD_STORE: 'memory' });
    expect(await (await memory.client.download(await memory.client.upload('hello'))).text()).toBe('hello');
    expect(await readdir(memory.cwd)).toEqual([]);
  });

  it('progress-by-sse: a page sees how much is stored, to the end', async () => {
    const { client, url } = await start('progress-by-sse');
    expect(await (await fetch(url)).text()).toContain('new EventSource');
    const created = await client.create(10);
    const upload = new URL(created.headers.get('Location') ?? '', client.collection).href;
    const stream = await fetch(`${url}/progress/${idOf(upload)}`);
    expect(stream.headers.get('content-type')).toContain('text/event-stream');
    expect((await client.append(upload, 0, 'hello')).status).toBe(204);
    expect((await client.append(upload, 5, 'world')).status).toBe(204);
    const text = await within('the end of the stream', stream.text());
    expect(text).toContain('event: tus.upload.progress\n');
    expect(text).toContain('data: {"offset":5,"size":10}\n');
    expect(text).toMatch(/event: tus\.upload\.completed\n(id: .*\n)?data: \{"offset":10,"size":10\}/);
  });

  it('job-after-upload: the job comes to its result', async () => {
    const { client, url } = await start('job-after-upload');
    const id = idOf(await client.upload('hello'));
    const answer = await eventually('the checksum', async () => {
      const found = await fetch(`${url}/checksums/${id}`);
      return found.ok && found.json();
    });
    expect(answer).toEqual({ sha256: createHash('sha256').update('hello').digest('hex') });
  });
});
