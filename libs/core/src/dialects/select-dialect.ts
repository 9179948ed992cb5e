import type { IncomingMessage } from 'node:http';
import type { Exchange } from '../exchange.js';
import { essenceOf, PARTIAL_UPLOAD } from '../headers/media-type.js';
import { readBoolean, readInteger } from '../headers/structured-fields.js';
import type { DataStore } from '../store/data-store.js';
import { ErrNotFound, ErrUploadDamaged, hasCode } from '../errors.js';
import type { ResponseHead } from '../response.js';
import { isUploadId } from '../upload-id.js';
import type { Dialect } from './dialect.js';
import { IetfDialect, type IetfOptions } from './ietf.js';
import { IETF_VERSIONS, WITHOUT_INTEROP } from './ietf-versions.js';

/**
 * Chooses the protocol of a request: tus where it says so; the draft's version that it names; without either, the newest draft for what
 * only the draft has, and tus for the rest.
 */
export class DialectSelection {
  private readonly drafts: ReadonlyMap<number | undefined, IetfDialect>;

  /** @param draft absent: every request is tus */
  constructor(
    private readonly tus: Dialect,
    draft: IetfOptions | undefined,
  ) {
    const versions = draft ? [...IETF_VERSIONS, WITHOUT_INTEROP] : [];
    this.drafts = new Map(
      versions.flatMap((version) => (draft ? [[version.interop, new IetfDialect(version, draft)]] : [])),
    );
  }

  /** Chooses by the request alone. */
  choose({ headers }: IncomingMessage, method: string): Dialect {
    const newest = this.drafts.get(undefined);
    if (!newest || headers['tus-resumable'] !== undefined) return this.tus;
    const named = this.drafts.get(readInteger(headers['upload-draft-interop-version']) ?? -1);
    if (named) return named;
    if (readBoolean(headers['upload-complete']) !== undefined) return newest;
    return method === 'PATCH' && essenceOf(headers['content-type'] ?? '') === PARTIAL_UPLOAD
      ? newest
      : this.tus;
  }

  /** Looks at the upload when the request says nothing of its protocol: whoever made the upload is who asks for it. */
  async settle(exchange: Exchange, store: DataStore): Promise<void> {
    const newest = this.drafts.get(undefined);
    const { operation, req } = exchange;
    if (!newest || exchange.dialect !== this.tus || req.headers['tus-resumable'] !== undefined) return;
    if (operation.uploadId === undefined || !isUploadId(operation.uploadId)) return;
    if ((await protocolOf(operation.uploadId, store)) === 'ietf') exchange.speak(newest);
  }

  /** The answer to OPTIONS: one for all protocols, since a client may ask before it has chosen one. */
  discover(exchange: Exchange): ResponseHead {
    const head = this.tus.discover(exchange);
    const draft = exchange.dialect === this.tus ? this.drafts.get(undefined) : exchange.dialect;
    if (!draft) return head;
    return { ...head, headers: [...head.headers, ...draft.discover(exchange).headers] };
  }
}

/** What cannot be found has no protocol; the operation says so itself. */
async function protocolOf(uploadId: string, store: DataStore): Promise<string | undefined> {
  try {
    const upload = await store.getUpload(uploadId, {});
    return (await upload.getInfo({})).protocol;
  } catch (error) {
    if (hasCode(error, ErrNotFound) || hasCode(error, ErrUploadDamaged)) return undefined;
    throw error;
  }
}
