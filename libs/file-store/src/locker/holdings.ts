import { errors } from '@nestjs-tus/core';
import { hasErrno, isSystemError } from '../errno.js';
import { Claim } from './claim.js';
import { LockFolder } from './lock-folder.js';
import { type Conversation, LockSocket, type WaitingConnection } from './lock-socket.js';
import { type Answer, isDead, Peer, type Want } from './peer.js';
import { inBackground, warn } from './in-background.js';
import { refuseWhenAborted, untilAborted } from './until-aborted.js';
import { entryOf, type Holder, newProcessName, tokensOf } from './token.js';

type Outcome = Answer | 'silent';

/** The locks that this process holds or wants in a folder, and what it says to other processes about them. */
export class Holdings implements Conversation {
  private readonly own = newProcessName();
  private readonly nextToken = tokensOf(this.own);
  private readonly folder: LockFolder;
  private readonly claims = new Map<string, Claim>();
  private readonly peers = new Map<string, Peer>();
  private readonly closing = new AbortController();
  private starting?: Promise<LockSocket>;

  constructor(
    private readonly directory: string,
    private readonly staleAfter: number,
  ) {
    this.folder = new LockFolder(directory, this.own);
  }

  /** Makes the folder, and listens. Rejects with a text for the operator. */
  async open(): Promise<void> {
    try {
      await this.socket();
    } catch (cause) {
      throw new Error(
        `FileLocker: locks cannot be kept in ${this.directory} (${reasonOf(cause)}). ` +
          'Let the user that runs the server write there, or give another directory.',
        { cause },
      );
    }
  }

  newClaim(id: string, requestRelease: () => void): Claim {
    return new Claim(id, this.nextToken(), requestRelease);
  }

  /**
   * Waits until the claim holds its lock.
   * @throws HttpError `ERR_UPLOAD_LOCKED` when `signal` aborts before, or this locker is closed
   */
  async acquire(claim: Claim, signal: AbortSignal): Promise<void> {
    await this.attempt(claim, async (socket) => {
      while (!(await this.takeIfFree(claim))) {
        refuseWhenAborted(signal, this.closing.signal);
        const holder = await this.folder.holder(claim.id);
        if (holder === undefined) continue;
        if (holder.process === this.own) await this.settleOwn(claim, holder);
        else await this.askFor(claim, holder, socket, signal);
        if (claim.isHeld) return true;
      }
      return true;
    });
  }

  /** Takes the lock if it is free, or its holder is dead: true when the claim holds it. */
  async tryAcquire(claim: Claim): Promise<boolean> {
    return this.attempt(claim, async (socket) => {
      if (await this.takeIfFree(claim)) return true;
      const holder = await this.folder.holder(claim.id);
      if (holder === undefined) return this.takeIfFree(claim);
      if (holder.process === this.own) {
        await this.settleOwn(claim, holder);
        return claim.isHeld || this.takeIfFree(claim);
      }
      return (await isDead(socket.pathOf(holder.process))) && this.takeOver(claim, holder, 'dead');
    });
  }

  /** Ends a holding: the first that waits in another process has it next. Harmless when it was lost. */
  async release(claim: Claim): Promise<void> {
    if (!claim.isHeld) return;
    claim.end();
    const heir = claim.waiters.find((waiter) => waiter.isThere());
    try {
      if (heir === undefined) await this.folder.remove(claim.id, claim.entry);
      else if (await this.folder.replace(claim.id, claim.entry, entryOf(heir.token, false))) {
        claim.waiters.splice(claim.waiters.indexOf(heir), 1);
        heir.answer('granted');
      }
    } finally {
      // Whoever asks for it from now on hears that it is gone, and what a failure has left is removed then.
      this.forget(claim);
    }
    if (!this.closing.signal.aborted) inBackground(this.folder.replenish());
  }

  isHolder(claim: Claim): Promise<boolean> {
    return this.folder.isHolder(claim.id, claim.entry);
  }

  async close(): Promise<void> {
    this.closing.abort();
    const held = [...this.claims.values()].filter((claim) => claim.isHeld);
    await Promise.all(held.map((claim) => this.abandon(claim)));
    for (const peer of this.peers.values()) peer.close();
    if (this.starting === undefined) return;
    const socket = await this.starting;
    await socket.close();
    await this.folder.leave();
  }

  onWant({ id, holder, token }: Want, connection: WaitingConnection): void {
    const claim = this.claims.get(holder);
    if (claim === undefined) {
      // The answer to somebody who had given up, or a release that failed: nobody here ends it if not now.
      inBackground(this.removeLeftover(id, holder).finally(() => connection.answer('gone')));
      return;
    }
    claim.waiters.push({ ...connection, token });
    claim.askToRelease();
    inBackground(this.verify(claim));
  }

  onSeized(token: string): void {
    const claim = this.claims.get(token);
    if (claim !== undefined) inBackground(this.verify(claim));
  }

  onGone(holders: readonly string[]): void {
    for (const token of holders) {
      this.claims.get(token)?.forgetWaitersThatLeft();
      this.onSeized(token);
    }
  }

  private async attempt(claim: Claim, take: (socket: LockSocket) => Promise<boolean>): Promise<boolean> {
    try {
      refuseWhenAborted(this.closing.signal);
      const socket = await this.socket();
      this.claims.set(claim.token, claim);
      const held = await take(socket);
      if (held && this.closing.signal.aborted) await this.release(claim);
      refuseWhenAborted(this.closing.signal);
      if (!held) this.forget(claim);
      return held;
    } catch (error) {
      this.forget(claim);
      throw asHttpError(error);
    }
  }

  private async takeIfFree(claim: Claim): Promise<boolean> {
    const taken = await this.folder.take(claim.id, claim.entry);
    if (taken) claim.hold(undefined, false);
    return taken;
  }

  /** The lock is this process's own: it was handed to this claim, or to one that had given up. */
  private async settleOwn(claim: Claim, holder: Holder): Promise<void> {
    if (holder.token === claim.token) claim.hold(undefined, holder.seized);
    else await this.folder.remove(claim.id, holder.entry);
  }

  private async askFor(claim: Claim, holder: Holder, socket: LockSocket, signal: AbortSignal): Promise<void> {
    const { answer, silent } = this.peer(holder.process, socket).want({
      id: claim.id,
      holder: holder.token,
      token: claim.token,
    });
    // The claim may have ended by then, and nobody else would end what it was given.
    const lateAnswer = async (word: Answer) => (word === 'gone' ? undefined : this.dropUnlessWanted(claim));
    // A failure to reach the other process is for whoever waits.
    void answer.then(
      (word) => inBackground(lateAnswer(word)),
      () => undefined,
    );
    const outcome = await untilAborted<Outcome>(
      [answer, silent.then(() => 'silent' as const)],
      [signal, this.closing.signal],
    );
    if (outcome === 'granted') claim.hold(holder.token, false);
    if (outcome === 'dead' || outcome === 'silent') await this.takeOver(claim, holder, outcome);
  }

  private async takeOver(claim: Claim, holder: Holder, reason: 'dead' | 'silent'): Promise<boolean> {
    // One who died after a seizure may not have come to do what `seized` asks of a holder.
    const seized = reason === 'silent' || holder.seized;
    const taken = await this.folder.replace(claim.id, holder.entry, entryOf(claim.token, seized));
    if (taken) claim.hold(holder.token, seized);
    if (taken && reason === 'silent') this.peers.get(holder.process)?.tellSeized(holder.token);
    if (reason === 'dead') await this.folder.forgetProcess(holder.process).catch(warn);
    return taken;
  }

  private async dropUnlessWanted(claim: Claim): Promise<void> {
    if (!this.claims.has(claim.token)) await this.removeLeftover(claim.id, claim.token);
  }

  /** Frees a lock that names a claim of this process which is over. */
  private async removeLeftover(id: string, token: string): Promise<void> {
    const holder = await this.folder.holder(id);
    if (holder?.token === token) await this.folder.remove(id, holder.entry);
  }

  /** Finds out whether a holding has been taken while this process slept. */
  private async verify(claim: Claim): Promise<void> {
    if (!claim.isHeld || (await this.isHolder(claim))) return;
    // It may have been released while the folder was looked at.
    if (!claim.isHeld) return;
    claim.lose();
    this.forget(claim);
  }

  private forget(claim: Claim): void {
    this.claims.delete(claim.token);
    for (const waiter of claim.waiters.splice(0)) waiter.answer('gone');
  }

  private async abandon(claim: Claim): Promise<void> {
    const released = this.release(claim);
    claim.lose();
    await released;
  }

  private peer(name: string, socket: LockSocket): Peer {
    const known = this.peers.get(name);
    if (known !== undefined) return known;
    const peer: Peer = new Peer(socket.pathOf(name), this.staleAfter, () => {
      if (this.peers.get(name) === peer) this.peers.delete(name);
    });
    this.peers.set(name, peer);
    return peer;
  }

  private socket(): Promise<LockSocket> {
    this.starting ??= this.start().catch((error: unknown) => {
      this.starting = undefined;
      throw error;
    });
    return this.starting;
  }

  private async start(): Promise<LockSocket> {
    await this.folder.make();
    const socket = await LockSocket.listen(this.directory, this.own, this);
    try {
      await this.folder.prepare();
    } catch (error) {
      await socket.close();
      await this.folder.leave().catch(warn);
      throw error;
    }
    const others = (await this.folder.processes()).filter((name) => name !== this.own);
    await Promise.all(others.map((name) => this.forgetIfDead(name, socket)));
    return socket;
  }

  private async forgetIfDead(name: string, socket: LockSocket): Promise<void> {
    if (!(await this.folder.hasStarted(name))) await this.folder.forgetUnstarted(name);
    else if (await isDead(socket.pathOf(name))) await this.folder.forgetProcess(name);
  }
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error || isSystemError(cause) ? cause.message : String(cause);
}

function asHttpError(error: unknown): unknown {
  if (hasErrno(error, 'ENOSPC', 'EDQUOT')) return errors.insufficientStorage(error);
  return isSystemError(error) ? errors.storageUnavailable(error) : error;
}
