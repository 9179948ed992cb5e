import {
  connect,
  createServer,
  type ClientHttp2Session,
  type Http2Server,
  type IncomingHttpHeaders,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { MemoryLocker, MemoryStore, StoreComposer, TusHandler } from '@nestjs-tus/core';
import { eventually, within } from '../harness/eventually.js';

let http2: Http2Server;
let session: ClientHttp2Session;
let store: MemoryStore;

beforeAll(async () => {
  store = new MemoryStore();
  const handler = new TusHandler({
    storeComposer: StoreComposer.of(store, new MemoryLocker()),
    enableExperimentalProtocol: true,
    uploadProgressInterval: 1,
  });
  await handler.init();
  http2 = createServer((req, res) => {
    void handler.handle(req as unknown as IncomingMessage, res as unknown as ServerResponse);
  });
  await new Promise<void>((resolve) => http2.listen(0, '127.0.0.1', resolve));
  session = connect(`http://127.0.0.1:${(http2.address() as AddressInfo).port}`);
});

afterAll(async () => {
  session.destroy();
  await new Promise((resolve) => http2.close(resolve));
});

function open(headers: Record<string, string>) {
  const stream = session.request({ 'upload-draft-interop-version': '9', ...headers });
  const interim: IncomingHttpHeaders[] = [];
  stream.on('headers', (fields) => void interim.push(fields));
  stream.on('error', () => undefined);
  const body: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => void body.push(chunk));
  const response = new Promise<IncomingHttpHeaders>((resolve) => stream.once('response', resolve));
  const ended = new Promise((resolve) => stream.once('end', resolve));
  return { stream, interim, response, ended, text: () => Buffer.concat(body).toString() };
}

async function request(headers: Record<string, string>, body?: string) {
  const { stream, response, ended, interim, text } = open(headers);
  stream.end(body);
  const fields = await within('an answer', response);
  await within('its end', ended);
  return { fields, interim, text: text() };
}

function pathOf({ location }: IncomingHttpHeaders): string {
  return new URL(String(location), 'http://x/').pathname;
}

describe('HTTP/2', () => {
  it('U2, A8: gets 104 before the body, and progress', async () => {
    const { stream, interim, response } = open({
      ':method': 'POST',
      ':path': '/files/',
      'upload-complete': '?1',
    });
    await eventually('the first 104', () => interim.length > 0);
    expect(interim[0]).toMatchObject({
      ':status': 104,
      'upload-draft-interop-version': '9',
      'upload-limit': 'min-size=0',
    });
    stream.write('hello');
    await eventually('progress', () => interim.some((fields) => fields['upload-offset'] === '5'));
    stream.end(' world');
    const fields = await within('an answer', response);
    expect(fields).toMatchObject({ ':status': 201, 'upload-complete': '?1', 'upload-offset': '11' });
    const [first] = interim;
    expect(fields.location).toBe(first?.location);
    expect((await request({ ':method': 'GET', ':path': pathOf(fields) })).text).toBe('hello world');
  });

  it('U9: a stream that is reset is not complete, and what came stays', async () => {
    const { stream, interim } = open({ ':method': 'POST', ':path': '/files/', 'upload-complete': '?1' });
    await eventually('the first 104', () => interim.length > 0);
    stream.write('hello');
    await eventually('progress', () => interim.some((fields) => fields['upload-offset'] === '5'));
    const [first = {}] = interim;
    // `close` would end the content first, and then it is whole.
    stream.destroy(new Error('the client has gone'));
    const { fields } = await request({ ':method': 'HEAD', ':path': pathOf(first) });
    expect(fields).toMatchObject({ ':status': 204, 'upload-complete': '?0', 'upload-offset': '5' });
    const rest = await request(
      {
        ':method': 'PATCH',
        ':path': pathOf(first),
        'content-type': 'application/partial-upload',
        'upload-offset': '5',
        'upload-complete': '?1',
      },
      ' world',
    );
    expect(rest.fields).toMatchObject({ ':status': 201, 'upload-complete': '?1' });
  });

  it('K3: HEAD ends the creation that is under way, and the session lives on', async () => {
    const { stream, interim, response } = open({
      ':method': 'POST',
      ':path': '/files/',
      'upload-complete': '?1',
    });
    await eventually('the first 104', () => interim.length > 0);
    stream.write('hello');
    await eventually('progress', () => interim.some((fields) => fields['upload-offset'] === '5'));
    const [first = {}] = interim;
    const { fields } = await request({ ':method': 'HEAD', ':path': pathOf(first) });
    expect(fields).toMatchObject({ ':status': 204, 'upload-offset': '5' });
    expect((await within('the end of the creation', response))[':status']).toBe(400);
    expect((await request({ ':method': 'DELETE', ':path': pathOf(first) })).fields[':status']).toBe(204);
  });

  it('A3: answers a wrong offset before the body is sent, and the session lives on', async () => {
    const reserved = await request({ ':method': 'POST', ':path': '/files/', 'upload-complete': '?0' });
    const { stream, response } = open({
      ':method': 'PATCH',
      ':path': pathOf(reserved.fields),
      'content-type': 'application/partial-upload',
      'content-length': '10000000',
      'upload-offset': '1',
      'upload-complete': '?1',
    });
    const fields = await within('an answer', response);
    expect(fields).toMatchObject({ ':status': 409, 'upload-offset': '0', 'upload-complete': '?0' });
    stream.close();
    expect((await request({ ':method': 'HEAD', ':path': pathOf(reserved.fields) })).fields[':status']).toBe(
      204,
    );
  });

  it('an empty ?1 is an empty upload', async () => {
    const { fields } = await request({ ':method': 'POST', ':path': '/files/', 'upload-complete': '?1' });
    expect(fields).toMatchObject({ ':status': 201, 'upload-complete': '?1', 'upload-offset': '0' });
  });
});
