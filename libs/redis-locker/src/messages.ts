import type { LeaseMessage } from '@nestjs-tus/lease-locker';

/** The text of a message on a channel. The scripts write `release` and `free` themselves. */
export function writeMessage(message: LeaseMessage): string {
  switch (message.kind) {
    case 'release':
      return `release ${message.nonce}`;
    case 'free':
      return `free ${message.id}`;
    case 'echo':
      return `echo ${message.count}`;
  }
}

/** `undefined` for what is no message: a later version may send others. */
export function readMessage(text: string): LeaseMessage | undefined {
  const [, kind, subject = ''] = /^(\w+) (.*)$/s.exec(text) ?? [];
  if (kind === 'release') return { kind, nonce: subject };
  if (kind === 'free') return { kind, id: subject };
  if (kind === 'echo' && /^\d+$/.test(subject)) return { kind, count: Number(subject) };
  return undefined;
}
