import type { InProcessServer } from '../harness/in-process-server.js';
import { rawExchange, RawSocket, type WireResponse } from '../harness/raw-socket.js';

/** What a version says on the wire, as the drafts have it: the table of the tests, not that of the server. */
export interface WireVersion {
  readonly name: string;
  /** Undefined: the request does not say which version it speaks. */
  readonly interop: number | undefined;
  readonly field: 'Upload-Complete' | 'Upload-Incomplete';
  readonly appendType: string | undefined;
  /** Status of an append that does not complete the upload. */
  readonly appended: number;
  readonly overflow: 'stop' | 'invalidate';
  readonly ageKey: 'max-age' | 'expires';
  /** offset = length is complete: tus-js-client's rule. */
  readonly completesAtLength: boolean;
}

const PARTIAL = 'application/partial-upload';
const row = (interop: number | undefined, differences: Partial<WireVersion>): WireVersion => ({
  name: interop === undefined ? 'no number' : `interop ${interop}`,
  interop,
  field: 'Upload-Complete',
  appendType: PARTIAL,
  appended: 204,
  overflow: 'invalidate',
  ageKey: 'max-age',
  completesAtLength: false,
  ...differences,
});
const OLD = { appended: 201, overflow: 'stop', ageKey: 'expires' } as const;

export const VERSIONS: readonly WireVersion[] = [
  row(undefined, {}),
  row(9, {}),
  row(8, {}),
  row(7, {}),
  row(6, { ...OLD, completesAtLength: true }),
  row(5, { ...OLD, completesAtLength: true, appendType: undefined }),
  row(4, { ...OLD, appendType: undefined }),
  row(3, { ...OLD, appendType: undefined, field: 'Upload-Incomplete' }),
];

/** The versions of a condition, as `it.each` takes them. */
export function versions(condition: (version: WireVersion) => boolean = () => true): [string, WireVersion][] {
  return VERSIONS.filter(condition).map((version) => [version.name, version]);
}

export function version(interop: number | undefined): WireVersion {
  const found = VERSIONS.find((candidate) => candidate.interop === interop);
  if (!found) throw new Error(`no interop ${interop}`);
  return found;
}

export interface DraftFields {
  /** Absent: the request does not say it. */
  readonly complete?: boolean;
  readonly offset?: number;
  readonly length?: number;
  /** Further headers; undefined takes one away. */
  readonly headers?: Record<string, string | string[] | undefined>;
}

export type DraftResponse = WireResponse & { readonly informational: WireResponse[] };

/** The headers of a request in a version. */
export function fieldsOf(spoken: WireVersion, { complete, offset, length, headers }: DraftFields) {
  const fields: Record<string, string | string[] | undefined> = {
    'Upload-Draft-Interop-Version': spoken.interop === undefined ? undefined : String(spoken.interop),
    [spoken.field]: complete === undefined ? undefined : completeness(spoken, complete),
    'Upload-Offset': offset === undefined ? undefined : String(offset),
    'Upload-Length': length === undefined ? undefined : String(length),
    ...headers,
  };
  return Object.fromEntries(
    Object.entries(fields).filter((field): field is [string, string | string[]] => field[1] !== undefined),
  );
}

/** The value of the version's field for a complete or incomplete upload. */
export function completeness({ field }: WireVersion, isComplete: boolean): '?0' | '?1' {
  return isComplete === (field === 'Upload-Complete') ? '?1' : '?0';
}

/** A client of one version. Every request has a connection of its own. */
export class DraftClient {
  constructor(
    private readonly server: Pick<InProcessServer, 'port'>,
    readonly spoken: WireVersion,
    private readonly collection = '/files/',
  ) {}

  async create(body: string | Uint8Array, fields: DraftFields): Promise<DraftResponse> {
    return this.send('POST', this.collection, fields, body);
  }

  async append(target: string, body: string | Uint8Array, fields: DraftFields): Promise<DraftResponse> {
    const headers = { 'Content-Type': this.spoken.appendType, ...fields.headers };
    return this.send('PATCH', target, { ...fields, headers }, body);
  }

  head(target: string, fields: DraftFields = {}): Promise<DraftResponse> {
    return this.send('HEAD', target, fields);
  }

  get(target: string, fields: DraftFields = {}): Promise<DraftResponse> {
    return this.send('GET', target, fields);
  }

  cancel(target: string, fields: DraftFields = {}): Promise<DraftResponse> {
    return this.send('DELETE', target, fields);
  }

  /** Creates an upload without content. @returns its path */
  async reserve(fields: DraftFields = {}): Promise<string> {
    return locationOf(await this.create('', { complete: false, ...fields }));
  }

  /** Sends a request whose body stays open, and leaves the socket to the test. */
  async open(method: string, target: string, fields: DraftFields): Promise<RawSocket> {
    const socket = await RawSocket.connect(this.server.port);
    await socket.sendHead(method, target, fieldsOf(this.spoken, fields));
    return socket;
  }

  /** What HEAD tells of an upload. */
  async state(target: string): Promise<{ offset: number; length: number | undefined; complete: boolean }> {
    const response = await this.head(target);
    if (response.status !== 204) throw new Error(`HEAD answered ${response.status}`);
    const length = response.header('Upload-Length');
    return {
      offset: Number(response.header('Upload-Offset')),
      length: length === undefined ? undefined : Number(length),
      complete: this.isComplete(response),
    };
  }

  isComplete(response: WireResponse): boolean {
    const value = response.header(this.spoken.field);
    if (value !== '?0' && value !== '?1') throw new Error(`${this.spoken.field} is ${value}`);
    return value === completeness(this.spoken, true);
  }

  private async send(
    method: string,
    target: string,
    fields: DraftFields,
    body: string | Uint8Array = '',
  ): Promise<DraftResponse> {
    const chunked = fields.headers?.['Transfer-Encoding'] !== undefined;
    const hasBody = method === 'POST' || method === 'PATCH' || method === 'PUT';
    const length = hasBody && !chunked ? { 'Content-Length': String(Buffer.byteLength(body)) } : {};
    const headers = fieldsOf(this.spoken, { ...fields, headers: { ...length, ...fields.headers } });
    const { response, socket } = await rawExchange(this.server.port, method, target, headers, body);
    socket.destroy();
    return response;
  }
}

/** The path of the upload that a response names. */
export function locationOf(response: WireResponse): string {
  const location = response.header('Location');
  if (location === undefined)
    throw new Error(`${response.status} without Location: ${response.body.toString()}`);
  return new URL(location, 'http://127.0.0.1/').pathname;
}

/** The members of an Upload-Limit. */
export function limitsOf(response: WireResponse): Record<string, number> {
  const field = response.header('Upload-Limit');
  if (!field) throw new Error('no Upload-Limit');
  return Object.fromEntries(
    field.split(', ').map((member) => {
      const [, key = '', value = ''] = /^([a-z-]+)=(\d+)$/.exec(member) ?? [];
      if (key === '') throw new Error(`not a member of Upload-Limit: ${member}`);
      return [key, Number(value)];
    }),
  );
}

export function problemOf(response: WireResponse): Record<string, unknown> {
  expect(response.header('Content-Type')).toBe('application/problem+json');
  return JSON.parse(response.body.toString()) as Record<string, unknown>;
}
