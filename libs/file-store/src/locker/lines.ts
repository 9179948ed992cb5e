import type { Socket } from 'node:net';

/** Calls `onLine` for every whole line that arrives. The lines of this protocol are ASCII. */
export function readLines(socket: Socket, onLine: (line: string) => void): void {
  let rest = '';
  socket.on('data', (chunk) => {
    const lines = (rest + chunk.toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(onLine);
  });
}

export function writeLine(socket: Socket, ...words: string[]): void {
  if (socket.writable) socket.write(`${words.join(' ')}\n`);
}
