import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { getTusOperation, getTusUploads, MemoryStore, type FileInfo } from 'nestjs-tus';
import { nodeRequest } from '../apps/node-request.js';

/** What a guard was shown of one request, and what its store was asked for. */
interface Watched {
  isGuarded: boolean;
  mayCreate: boolean;
  readonly shown: Set<string>;
  readonly asked: string[];
  readonly wrong: string[];
}

/** The uploads that are there before each request; the unfinished one is no member of any concatenation. */
export const FINISHED = ['ada', 'a~b', 'A.b-C_9', 'files', 'v1'];
export const UNFINISHED = 'half';
export const CONTENT = 'hello';
const CONTENT_LENGTH = CONTENT.length;

/** A store that notes for each request which uploads it is asked for, and a guard that notes which it is shown. */
export class WatchedStore extends MemoryStore implements CanActivate {
  private readonly current = new AsyncLocalStorage<Watched>();
  private readonly byRequest = new WeakMap<IncomingMessage, Watched>();
  private last: Watched | undefined;
  private isSeeding = false;
  /** Calls that belong to no request. */
  private readonly stray: string[] = [];

  /** A middleware: what happens behind it belongs to its request. */
  readonly watch = (req: IncomingMessage, _res: ServerResponse, next: () => void): void => {
    const watched = this.byRequest.get(req) ?? {
      isGuarded: false,
      mayCreate: false,
      shown: new Set<string>(),
      asked: [],
      wrong: [],
    };
    this.byRequest.set(req, watched);
    this.last = watched;
    this.current.run(watched, next);
  };

  /** What a guard in front of the engine knows of a request, where there is no Nest. */
  show(req: IncomingMessage, ids: readonly string[]): void {
    const watched = this.byRequest.get(req);
    if (!watched) throw new Error('the middleware has not seen this request');
    watched.isGuarded = true;
    watched.mayCreate = true;
    for (const id of ids) watched.shown.add(id);
  }

  /** Lets everything in, so that the engine does as much as it ever would. */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const watched = this.byRequest.get(nodeRequest(context.switchToHttp().getRequest()));
    if (!watched) throw new Error('the middleware has not seen this request');
    watched.isGuarded = true;
    const { name, uploadId, partialUploadIds = [] } = getTusOperation(context) ?? {};
    watched.mayCreate = name === 'create';
    if (uploadId !== undefined) watched.shown.add(uploadId);
    for (const id of partialUploadIds) watched.shown.add(id);
    const uploads = (await getTusUploads(context)) ?? [];
    if (uploads.some(({ id }) => !watched.shown.has(id)))
      watched.wrong.push('guards are shown different uploads');
    return true;
  }

  override getUpload(...args: Parameters<MemoryStore['getUpload']>): ReturnType<MemoryStore['getUpload']> {
    this.note(args[0]);
    return super.getUpload(...args);
  }

  override async newUpload(
    ...[info, context]: Parameters<MemoryStore['newUpload']>
  ): ReturnType<MemoryStore['newUpload']> {
    if (!this.isSeeding) {
      const watched = this.current.getStore();
      if (!watched?.mayCreate) (watched?.wrong ?? this.stray).push('an upload is made without a guard');
      watched?.shown.add(info.id);
    }
    return super.newUpload(info, context);
  }

  /** What the guard has not seen of the last request. */
  takeWrong(): string[] {
    const { last } = this;
    this.last = undefined;
    const unseen = last?.asked.filter((id) => !last.shown.has(id)) ?? [];
    return [
      ...this.stray.splice(0),
      ...(last?.wrong ?? []),
      ...unseen.map((id) => `"${id}" is reached, and the guard does not see it`),
    ];
  }

  /** Makes the uploads what they were. */
  async seed(): Promise<void> {
    this.isSeeding = true;
    for (const id of FINISHED) await this.put({ ...INFO, id, isPartial: true });
    await this.put({ ...INFO, id: UNFINISHED, size: 2 * CONTENT_LENGTH });
    this.isSeeding = false;
  }

  private async put(info: FileInfo): Promise<void> {
    const there = await super.getUpload(info.id, {}).catch(() => undefined);
    if (there && (await there.getInfo({})).offset === CONTENT_LENGTH) return;
    if (there) await this.asTerminatableUpload(there).terminate({});
    const made = await super.newUpload(info, {});
    await made.writeChunk(0, Readable.from([Buffer.from(CONTENT)]), {});
    if (info.size === CONTENT_LENGTH) await made.finishUpload({});
  }

  private note(id: string): void {
    if (this.isSeeding) return;
    const watched = this.current.getStore();
    if (!watched) this.stray.push(`"${id}" is reached by no request`);
    else if (!watched.isGuarded) watched.wrong.push(`"${id}" is reached before the guard`);
    else watched.asked.push(id);
  }
}

const INFO: Omit<FileInfo, 'id'> = {
  size: CONTENT_LENGTH,
  sizeIsDeferred: false,
  offset: 0,
  metaData: {},
  isPartial: false,
  isFinal: false,
  partialUploads: [],
};
