import type { IncomingMessage } from 'node:http';
import type { CorsConfig } from './config.js';
import { errors } from './errors.js';

/** What the handler adds to the reference's lists for the extensions that it has beyond it. */
const FURTHER_ALLOWED = ['Upload-Checksum', 'Upload-Complete'];
const FURTHER_EXPOSED = [
  'Tus-Checksum-Algorithm',
  'Upload-Expires',
  'Upload-Complete',
  'Upload-Limit',
  'Retry-After',
];

/** What the IETF draft adds. */
const DRAFT_ALLOWED = [
  'Content-Disposition',
  'Content-Encoding',
  'Content-Digest',
  'Repr-Digest',
  'Want-Repr-Digest',
];
const DRAFT_EXPOSED = ['Accept-Patch', 'Repr-Digest'];

export interface CorsOptions {
  /** True where the IETF draft is served. */
  readonly offersDraft: boolean;
}

/** Cross-origin headers, for every response: an error without them is an opaque failure to a script. */
export class Cors {
  private readonly allowHeaders: string;
  private readonly exposeHeaders: string;

  constructor(
    private readonly config: CorsConfig,
    { offersDraft }: CorsOptions,
  ) {
    this.allowHeaders = append(config.allowHeaders, [
      ...FURTHER_ALLOWED,
      ...(offersDraft ? DRAFT_ALLOWED : []),
    ]);
    this.exposeHeaders = append(config.exposeHeaders, [
      ...FURTHER_EXPOSED,
      ...(offersDraft ? DRAFT_EXPOSED : []),
    ]);
  }

  /** @throws HttpError `ERR_ORIGIN_NOT_ALLOWED` (403) */
  check(request: IncomingMessage): void {
    const { origin } = request.headers;
    if (this.config.disable || origin === undefined) return;
    if (!this.config.allowOrigin.test(origin)) throw errors.originNotAllowed();
  }

  /** Headers for a response to this request; none when its origin is not allowed. */
  headersFor(request: IncomingMessage, kind: 'preflight' | 'actual'): string[] {
    const { origin } = request.headers;
    if (this.config.disable || origin === undefined || !this.config.allowOrigin.test(origin)) return [];
    const headers = ['Access-Control-Allow-Origin', origin, 'Vary', 'Origin'];
    if (this.config.allowCredentials) headers.push('Access-Control-Allow-Credentials', 'true');
    if (kind === 'actual') return [...headers, 'Access-Control-Expose-Headers', this.exposeHeaders];
    headers.push('Access-Control-Allow-Methods', this.config.allowMethods);
    headers.push('Access-Control-Allow-Headers', this.allowHeaders);
    headers.push('Access-Control-Max-Age', this.config.maxAge);
    return headers;
  }
}

/** A list with the names that it lacks, whatever their case. */
function append(list: string, names: readonly string[]): string {
  const known = list.toLowerCase().split(/\s*,\s*/);
  return [list, ...names.filter((name) => !known.includes(name.toLowerCase()))].filter(Boolean).join(', ');
}
