import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Upload, type UploadOptions } from 'tus-js-client';
import { eventually } from '../harness/eventually.js';
import { openPatch, storedInFile } from '../harness/open-patch.js';
import { randomContent, sha256 } from '../harness/random-content.js';
import { startServer, type ServerProcess } from '../harness/server-process.js';
import { temporaryFolder } from '../harness/temporary-folder.js';
import { create, createUpload, download, head, patch, send } from '../harness/tus-requests.js';

const MIB = 2 ** 20;
const UPLOADS = 8;
const KILLS = 6;
const PAGE = join(import.meta.dirname, '../../docs/scaling.md');

let uploadDir: string;
let nodes: [ServerProcess, ServerProcess];
let nginx: ChildProcess | undefined;
/** The collection, as clients see it. */
let url: string;

beforeAll(async () => {
  uploadDir = await temporaryFolder();
  nodes = await Promise.all([startNode(), startNode()]);
  const port = await freePort();
  url = `http://127.0.0.1:${port}/files/`;
  await startNginx(port);
});

afterAll(async () => {
  const ended = nginx && once(nginx, 'close');
  nginx?.kill('SIGTERM');
  await ended;
});

const startNode = (port?: number): Promise<ServerProcess> =>
  startServer({ uploadDir, port, flags: ['--locker', 'file', '--behind-proxy'] });

async function restart(index: 0 | 1): Promise<void> {
  const { port } = nodes[index];
  await nodes[index].stop('SIGKILL');
  nodes[index] = await startNode(port);
}

/** Runs nginx with the configuration that the page has; addresses are replaced. */
async function startNginx(port: number): Promise<void> {
  const page = await readFile(PAGE, 'utf8');
  const [, block = ''] = /^```nginx\n(.*?)^```/ms.exec(page) ?? [];
  const addresses: [string, string][] = [
    ['server 10.0.0.11:8080', `server 127.0.0.1:${nodes[0].port}`],
    ['server 10.0.0.12:8080', `server 127.0.0.1:${nodes[1].port}`],
    ['listen 80;', `listen 127.0.0.1:${port};`],
  ];
  for (const [written] of addresses) expect(block).toContain(written);
  const served = addresses.reduce((text, [written, here]) => text.replace(written, here), block);

  const folder = await temporaryFolder();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
     events {}
     http {
       access_log off;
       ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n')}
       ${served}
     }`,
  );
  const args = ['-p', folder, '-e', `${folder}/error.log`, '-c', `${folder}/nginx.conf`];
  const child = spawn('nginx', args, { stdio: ['ignore', 'inherit', 'inherit'] });
  nginx = child;
  process.once('exit', () => child.kill('SIGKILL'));
  await eventually('an answer through nginx', async () => {
    expect(child.exitCode).toBeNull();
    return send('OPTIONS', url).then(
      ({ status }) => status === 200,
      () => false,
    );
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

interface Noted {
  readonly url: string;
  /** `METHOD status` of each answer. */
  readonly answers: readonly string[];
}

function upload(content: Buffer, options: Partial<UploadOptions> = {}): Promise<Noted> {
  const answers: string[] = [];
  return new Promise((resolve, reject) => {
    const sent: Upload = new Upload(content, {
      endpoint: url,
      retryDelays: Array<number>(200).fill(100),
      onAfterResponse: (request, response) =>
        void answers.push(`${request.getMethod()} ${response.getStatus()}`),
      onError: reject,
      onSuccess: () => resolve({ url: sent.url ?? '', answers }),
      ...options,
    });
    sent.start();
  });
}

async function expectStored(at: string, content: Buffer): Promise<void> {
  const reply = await download(at);
  expect([reply.status, sha256(reply.body)]).toEqual([200, sha256(content)]);
}

describe('two servers behind nginx, configured as docs/scaling.md says', () => {
  it('take a large body in one request, and give the URL that the client can use', async () => {
    const content = randomContent('large', 64 * MIB);
    const { url: at, answers } = await upload(content);
    expect(answers).toEqual(['POST 201', 'PATCH 204']);
    expect(at.startsWith(url)).toBe(true);
    await expectStored(at, content);
  });

  it('get the bytes as they come', async () => {
    const at = await createUpload(url, 2 * MIB);
    const socket = await openPatch(at, { offset: 0, length: 2 * MIB });
    await socket.send(randomContent('first half', MIB));
    await storedInFile(uploadDir, at, MIB);
    await socket.send(randomContent('second half', MIB));
    expect((await socket.response()).status).toBe(204);
  });

  it('hand a running upload over to a second client, whatever node it comes to', async () => {
    const at = await createUpload(url, 2 * MIB);
    const socket = await openPatch(at, { offset: 0, length: 2 * MIB });
    await socket.send(randomContent('first half', MIB));
    await storedInFile(uploadDir, at, MIB);
    for (let asked = 0; asked < 4; asked += 1) {
      const reply = await head(at);
      expect([reply.status, reply.headers['upload-offset']]).toEqual([200, String(MIB)]);
    }
    expect((await patch(at, MIB, randomContent('second half', MIB))).status).toBe(204);
  });

  it('join partial uploads that are named in a long header', async () => {
    const parts: string[] = [];
    for (let count = 0; count < 125; count += 1) {
      const part = await createUpload(url, 1, { 'Upload-Concat': 'partial' });
      expect((await patch(part, 0, 'x')).status).toBe(204);
      parts.push(new URL(part).pathname);
    }
    // As many as a final upload may name, each as often as it may be named.
    const names = Array.from({ length: 8 }, () => parts).flat();
    const reply = await create(url, { 'Upload-Concat': `final;${names.join(' ')}` });
    expect(reply.status).toBe(201);
    await expectStored(reply.headers.location ?? '', Buffer.alloc(names.length, 'x'));
  });

  it('never make a client forget its upload while one after the other is killed', async () => {
    let kills = 0;
    const uploading = Promise.all(
      Array.from({ length: UPLOADS }, async (_, index) => {
        const content = randomContent(`killed ${index}`, 4 * MIB);
        // Goes on until the killing is over: each of the kills hits somebody.
        const noted = await upload(content, {
          chunkSize: 64 * 1024,
          onBeforeRequest: () => (kills < KILLS ? pause(100) : Promise.resolve()),
        });
        return { ...noted, content };
      }),
    );
    for (; kills < KILLS; kills += 1) {
      await pause(500);
      await restart(kills % 2 === 0 ? 0 : 1);
    }
    for (const { url: at, answers, content } of await uploading) {
      expect(answers.filter((answer) => answer.startsWith('HEAD') && !/ (200|423)$/.test(answer))).toEqual(
        [],
      );
      expect(answers.filter((answer) => answer === 'POST 201')).toHaveLength(1);
      await expectStored(at, content);
    }
  });

  it('are both down: HEAD is 423, anything else 503, and the client goes on when they are back', async () => {
    const content = randomContent('both down', 2 * MIB);
    let isUp = true;
    let down: Promise<void> | undefined;
    const seen: string[] = [];
    const stop = async () => {
      isUp = false;
      await Promise.all(nodes.map((node) => node.stop('SIGKILL')));
    };
    const uploading = upload(content, {
      chunkSize: MIB,
      onChunkComplete: () => void (down ??= stop()),
      onBeforeRequest: async () => down,
      onAfterResponse: (request, response) =>
        void seen.push(`${request.getMethod()} ${response.getStatus()}${isUp ? '' : ' down'}`),
    });
    await eventually(
      'some attempts in vain',
      () => seen.filter((answer) => answer === 'HEAD 423 down').length > 2,
    );
    const reply = await head(`${url}0123456789abcdef0123456789abcdef`);
    expect([reply.status, reply.headers['retry-after']]).toEqual([423, '1']);
    const created = await create(url, { 'Upload-Length': '1' });
    expect([created.status, created.headers['retry-after']]).toEqual([503, '1']);

    nodes = await Promise.all([startNode(nodes[0].port), startNode(nodes[1].port)]);
    isUp = true;
    await expectStored((await uploading).url, content);
    expect(seen.filter((answer) => answer.startsWith('POST'))).toEqual(['POST 201']);
    expect(seen.filter((answer) => /^HEAD 5/.test(answer))).toEqual([]);
  });
});
