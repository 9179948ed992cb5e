import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { INestApplication } from '@nestjs/common';
import { serializeMetadataHeader, type MetaData } from '@nestjs-tus/core';

export interface TestUploadOptions {
  readonly metaData?: MetaData;
  /** More headers, of each request: `Authorization`, say. */
  readonly headers?: Readonly<Record<string, string>>;
}

const TUS = { 'Tus-Resumable': '1.0.0' };

/** The few requests of tus that a test of an app needs. For whole clients, take tus-js-client. */
export class TusTestClient {
  /** @param collection the URL that uploads are created at */
  constructor(readonly collection: string) {}

  /**
   * A client of an app that listens.
   * @param path of the endpoint, with the global prefix
   * @throws Error when the app does not listen
   */
  static of(app: INestApplication, path = 'files'): TusTestClient {
    const address = (app.getHttpServer() as Server).address() as AddressInfo | null;
    if (!address) throw new Error('the app does not listen yet: write `await app.listen(0)` first');
    return new TusTestClient(`http://localhost:${address.port}/${path.replace(/^\//, '')}`);
  }

  /** Creates an upload. @returns the answer, whatever its status */
  create(length: number, { metaData, headers }: TestUploadOptions = {}): Promise<Response> {
    const metadata = metaData && serializeMetadataHeader(metaData);
    return this.send('POST', this.collection, {
      'Upload-Length': String(length),
      ...(metadata && { 'Upload-Metadata': metadata }),
      ...headers,
    });
  }

  append(
    url: string,
    offset: number,
    body: string | Uint8Array,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    const usual = { 'Content-Type': 'application/offset+octet-stream', 'Upload-Offset': String(offset) };
    return this.send('PATCH', url, { ...usual, ...headers }, body);
  }

  /**
   * Creates an upload and sends all of it.
   * @returns its URL
   * @throws Error when a request is refused
   */
  async upload(body: string | Uint8Array, options: TestUploadOptions = {}): Promise<string> {
    const created = await this.create(Buffer.byteLength(body), options);
    if (created.status !== 201) throw new Error(`POST answered ${created.status} ${await created.text()}`);
    const url = new URL(created.headers.get('Location') ?? '', this.collection).href;
    const stored = await this.append(url, 0, body, options.headers);
    if (!stored.ok) throw new Error(`PATCH answered ${stored.status} ${await stored.text()}`);
    return url;
  }

  status(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return this.send('HEAD', url, headers);
  }

  download(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return this.send('GET', url, headers);
  }

  terminate(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return this.send('DELETE', url, headers);
  }

  /** The id at the end of an upload's URL. */
  static idOf(url: string): string {
    return new URL(url).pathname.split('/').at(-1) ?? '';
  }

  private send(
    method: string,
    url: string,
    headers: Readonly<Record<string, string>>,
    body?: string | Uint8Array,
  ): Promise<Response> {
    const bytes = body === undefined ? undefined : Buffer.from(body);
    return fetch(url, { method, headers: { ...TUS, ...headers }, body: bytes });
  }
}
