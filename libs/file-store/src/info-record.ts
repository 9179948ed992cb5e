import type {
  FileInfo,
  JsonValue,
  KeptAnswer,
  MetaData,
  RepresentationDigests,
  UploadProtocol,
  UploadState,
} from '@nestjs-tus/core';

/** What an info file says that is the store's own affair. */
export interface Marks {
  /** Bytes from here on do not count: their checksum has not been verified, or a holder that lost its lock wrote them. */
  readonly unverifiedFrom?: number;
  /** Bytes that survive a loss of power. */
  readonly syncedOffset?: number;
  /** Bytes that were there when a client of the IETF draft was last told: it never sends them again. */
  readonly toldOffset?: number;
  /** The boot of the machine under which `syncedOffset` was written. */
  readonly bootId?: string;
  /** Counts the changes, so that a reader without a lock notices one. */
  readonly revision: number;
}

/** The content of an info file. The offset in it is a remark for people: the data file's size says the truth. */
export interface StoredInfo {
  readonly info: FileInfo;
  readonly marks: Marks;
}

/** tusd's fields by tusd's names, then ours. tusd ignores what it does not know. */
interface InfoRecord {
  ID: string;
  Size: number;
  SizeIsDeferred: boolean;
  Offset: number;
  MetaData: MetaData;
  IsPartial: boolean;
  IsFinal: boolean;
  PartialUploads: string[] | null;
  Storage?: Record<string, string>;

  MetaDataHeader?: string;
  ConcatHeader?: string;
  CreatedAt?: string;
  ExpiresAt?: string;
  Protocol?: UploadProtocol;
  State?: UploadState;
  Context?: JsonValue;
  MaxSize?: number;
  PendingFinals?: string[];
  Answer?: KeptAnswer;
  Untold?: boolean;
  Digests?: RepresentationDigests;

  UnverifiedFrom?: number;
  SyncedOffset?: number;
  ToldOffset?: number;
  BootId?: string;
  Revision?: number;
}

/**
 * The key that stands in a new info in place of `State`, beside `finished`: no reader knows it. One byte in its place makes the upload
 * finished. It comes right after the id, before all that an application or a client has chosen.
 */
const NOT_YET = 'state';

/** The text of an info file. */
export function formatInfo(stored: StoredInfo): string {
  return JSON.stringify(recordOf(stored));
}

/** The text of a new upload's info, and the position of the byte that `FINISHED_BYTE` replaces when it is finished. */
export function formatNewInfo(stored: StoredInfo): { readonly text: string; readonly finishAt?: number } {
  const { ID, ...others } = recordOf(stored);
  if (others.State !== undefined) return { text: formatInfo(stored) };
  return { text: JSON.stringify({ ID, [NOT_YET]: 'finished', ...others }), finishAt: finishPosition(ID) };
}

/** The same position in a text that was read; undefined when there is no such byte. */
export function finishPositionIn(text: string, id: string): number | undefined {
  return text.startsWith(`${beginOf(id)},"${NOT_YET}":"finished"`) ? finishPosition(id) : undefined;
}

/** Makes `state` the field `State`. */
export const FINISHED_BYTE = 'S';

const beginOf = (id: string): string => `{"ID":${JSON.stringify(id)}`;

const finishPosition = (id: string): number => Buffer.byteLength(`${beginOf(id)},"`);

function recordOf({ info, marks }: StoredInfo): InfoRecord {
  return {
    ID: info.id,
    Size: info.size,
    SizeIsDeferred: info.sizeIsDeferred,
    Offset: info.offset,
    MetaData: info.metaData,
    IsPartial: info.isPartial,
    IsFinal: info.isFinal,
    PartialUploads: info.partialUploads.length > 0 ? info.partialUploads : null,
    Storage: info.storage,
    MetaDataHeader: info.metaDataHeader,
    ConcatHeader: info.concatHeader,
    CreatedAt: info.createdAt?.toISOString(),
    ExpiresAt: info.expiresAt?.toISOString(),
    Protocol: info.protocol,
    State: info.state,
    Context: info.context,
    MaxSize: info.maxSize,
    PendingFinals: info.pendingFinals,
    Answer: info.answer,
    Untold: info.untold,
    Digests: info.digests,
    UnverifiedFrom: marks.unverifiedFrom,
    SyncedOffset: marks.syncedOffset,
    ToldOffset: marks.toldOffset,
    BootId: marks.bootId,
    Revision: marks.revision,
  };
}

/**
 * True for an upload of which the info alone says what it is: finished, or refused for good. The application may have changed, moved or
 * removed its content.
 */
export function isClosed({ info: { state } }: StoredInfo): boolean {
  return state === 'finished' || state === 'rejected';
}
