import type { FileHandle } from 'node:fs/promises';
import { open, rename } from 'node:fs/promises';
import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { readLines, writeLine } from './lines.js';
import { socketPath } from './socket-path.js';

/** What other processes say to this one. */
export interface Conversation {
  /** One of them wants the lock that `holder` names. */
  onWant(want: { id: string; holder: string; token: string }, waiter: WaitingConnection): void;
  /** One of them has taken the lock of `token`. */
  onSeized(token: string): void;
  /** One of them has gone; it may have taken the locks that it wanted, and died before it could say so. */
  onGone(holders: readonly string[]): void;
}

export interface WaitingConnection {
  /** False when the other process has gone away. */
  isThere(): boolean;
  answer(word: 'granted' | 'gone'): void;
}

/** Folders of the sockets that this process listens at: they go when it exits. */
const listening = new Set<string>();
const removeAtExit = () => listening.forEach((folder) => rmSync(folder, { recursive: true, force: true }));

/**
 * The socket by which other processes see that this one lives, and ask it for its locks. Its path is
 * `processes/<name>/socket` below the folder of the locks.
 */
export class LockSocket {
  private readonly connections = new Set<Socket>();

  private constructor(
    private readonly directory: string,
    private readonly folder: string,
    private readonly handle: FileHandle,
    private readonly server: Server,
  ) {}

  /** @throws Error when the folder cannot hold a socket */
  static async listen(directory: string, own: string, conversation: Conversation): Promise<LockSocket> {
    const handle = await open(directory);
    const server = createServer();
    const folder = join(directory, 'processes', own);
    const socket = new LockSocket(directory, folder, handle, server);
    server.on('connection', (connection) => socket.accept(connection, conversation));
    try {
      const path = socketPath(directory, handle.fd, join('processes', own, 'starting'));
      // Not shared by node:cluster: the socket has to end with the process that holds the locks.
      server.listen({ path, exclusive: true }).unref();
      await once(server, 'listening');
      // Only now has it the name that others look for: a socket that refuses is always one of a process that has ended.
      await rename(join(folder, 'starting'), join(folder, 'socket'));
    } catch (cause) {
      await socket.close();
      throw new Error(`Cannot listen at a socket in ${folder}: ${String(cause)}`, { cause });
    }
    if (listening.size === 0) process.on('exit', removeAtExit);
    listening.add(folder);
    return socket;
  }

  /** The path of another process's socket. */
  pathOf(name: string): string {
    return socketPath(this.directory, this.handle.fd, join('processes', name, 'socket'));
  }

  async close(): Promise<void> {
    listening.delete(this.folder);
    if (listening.size === 0) process.off('exit', removeAtExit);
    // What was written last still goes out.
    for (const connection of this.connections) connection.destroySoon();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
    await this.handle.close();
  }

  private accept(connection: Socket, conversation: Conversation): void {
    const wanted: string[] = [];
    this.connections.add(connection.unref());
    // An error is followed by 'close', which says all that matters here.
    connection.on('error', () => undefined);
    connection.on('close', () => {
      this.connections.delete(connection);
      conversation.onGone(wanted);
    });
    readLines(connection, (line) => {
      writeLine(connection, 'pong');
      const [word, ...words] = line.split(' ');
      if (word === 'seized') conversation.onSeized(words[0] ?? '');
      if (word !== 'want') return;
      const [number = '', id = '', holder = '', token = ''] = words;
      wanted.push(holder);
      conversation.onWant(
        { id, holder, token },
        {
          isThere: () => connection.writable,
          answer: (answer) => writeLine(connection, answer, number),
        },
      );
    });
  }
}
