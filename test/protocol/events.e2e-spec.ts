import { eventually } from '../harness/eventually.js';
import { eventNames } from '../harness/hooked-server.js';
import { startInProcess } from '../harness/in-process-server.js';
import { RawSocket } from '../harness/raw-socket.js';
import {
  create,
  createUpload,
  head,
  OFFSET_STREAM,
  patch,
  storeUpload,
  terminate,
} from '../harness/tus-requests.js';

describe('events', () => {
  it('tell the life of an upload, progress in between', async () => {
    const server = await startInProcess();
    const url = await createUpload(server.url, 10);
    await patch(url, 0, 'hello');
    await patch(url, 5, 'world');
    await terminate(url);
    expect(eventNames(server, url)).toEqual(['created', 'completed', 'terminated']);
    expect(server.progress(url)).toBe(10);
  });

  it('a listener that throws hurts no upload', async () => {
    const server = await startInProcess();
    const stop = server.handler.events.on('created', () => {
      throw new Error('listener failed');
    });
    expect((await create(server.url, { 'Upload-Length': '5' })).status).toBe(201);
    expect(server.complaints.join('\n')).toMatch(/listener failed/);
    stop();
  });

  it.each([
    ['created', { notifyCreatedUploads: false }],
    ['progress', { notifyUploadProgress: false }],
    ['completed', { notifyCompleteUploads: false }],
    ['terminated', { notifyTerminatedUploads: false }],
  ])('%s can be turned off', async (name, config) => {
    const server = await startInProcess(config);
    const url = await storeUpload(server.url, 'hello');
    await terminate(url);
    const names = new Set(server.events.map((event) => event.name));
    expect([
      ...['completed', 'created', 'progress', 'terminated'].filter((each) => !names.has(each as never)),
    ]).toEqual([name]);
  });

  it('stopUpload ends the running request and the upload', async () => {
    const server = await startInProcess();
    server.handler.events.on('progress', ({ upload }) =>
      upload.stopUpload({ statusCode: 403, body: 'enough' }),
    );
    const url = await createUpload(server.url, 10);
    const socket = await RawSocket.connect(server.port);
    await socket.sendHead('PATCH', new URL(url).pathname, {
      'Tus-Resumable': '1.0.0',
      'Content-Type': OFFSET_STREAM,
      'Upload-Offset': '0',
      'Content-Length': '10',
    });
    await socket.send('hello');
    const response = await socket.response();
    expect([response.status, response.body.toString()]).toEqual([403, 'enough']);
    expect([404, 410]).toContain((await head(url)).status);
    await eventually('news of the end', () => eventNames(server, url).includes('terminated'));
  });
});

describe('metrics', () => {
  it('count requests, uploads, bytes and errors', async () => {
    const server = await startInProcess();
    const url = await createUpload(server.url, 5);
    await patch(url, 0, 'hello');
    await patch(url, 3, '');
    await terminate(url);
    const { metrics } = server.handler;
    expect([metrics.uploadsCreated, metrics.uploadsFinished, metrics.uploadsTerminated]).toEqual([1, 1, 1]);
    expect(metrics.bytesReceived).toBe(5);
  });
});
