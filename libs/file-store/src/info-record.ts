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

/** The text of an info file. */
export function formatInfo({ info, marks }: StoredInfo): string {
  const record: InfoRecord = {
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
  return JSON.stringify(record);
}

/**
 * Reads the text of an info file, ours or tusd's.
 *
 * @throws SyntaxError when it is torn, or another upload's
 */
export function parseInfo(text: string, id: string): StoredInfo {
  const value: unknown = JSON.parse(text);
  if (!isRecord(value, id)) throw new SyntaxError(`not the info of the upload ${id}`);
  return {
    info: {
      id,
      size: value.Size,
      sizeIsDeferred: value.SizeIsDeferred,
      offset: 0,
      metaData: isTextMap(value.MetaData) ? value.MetaData : {},
      metaDataHeader: value.MetaDataHeader,
      isPartial: value.IsPartial === true,
      isFinal: value.IsFinal === true,
      partialUploads: value.PartialUploads ?? [],
      concatHeader: value.ConcatHeader,
      storage: isTextMap(value.Storage) ? value.Storage : undefined,
      createdAt: dateOf(value.CreatedAt),
      expiresAt: dateOf(value.ExpiresAt),
      protocol: value.Protocol,
      state: value.State,
      context: value.Context,
      maxSize: value.MaxSize,
      pendingFinals: value.PendingFinals,
      answer: value.Answer,
      untold: value.Untold,
      digests: value.Digests,
    },
    marks: {
      unverifiedFrom: value.UnverifiedFrom,
      syncedOffset: value.SyncedOffset,
      toldOffset: value.ToldOffset,
      bootId: value.BootId,
      revision: value.Revision ?? 0,
    },
  };
}

/** Checks what must be right for the bytes to be right; the rest was written by a store, whole or not at all. */
function isRecord(value: unknown, id: string): value is InfoRecord {
  if (typeof value !== 'object' || value === null) return false;
  const record = value as Partial<InfoRecord>;
  return record.ID === id && Number.isSafeInteger(record.Size) && typeof record.SizeIsDeferred === 'boolean';
}

function isTextMap(value: unknown): value is Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((item) => typeof item === 'string');
}

function dateOf(text: string | undefined): Date | undefined {
  const date = text === undefined ? undefined : new Date(text);
  return date && !Number.isNaN(date.getTime()) ? date : undefined;
}
