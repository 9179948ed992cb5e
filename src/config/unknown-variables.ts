import { nearName, showValue } from '@nestjs-tus/core';
import { environmentName, FLAGS } from './flags.js';

const PREFIX = 'TUS_';

/** Kubernetes gives these to every container beside a Service that is called "tus". TUS_PORT is one of them, too. */
const OF_KUBERNETES = /^TUS_(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$/;

/** One line for each variable that looks like a flag of this server and is none. Its value is not repeated: it may be a secret. */
export function unknownVariables(environment: Readonly<Record<string, string | undefined>>): string[] {
  const known = Object.values(FLAGS).map(({ name }) => environmentName(name));
  const unknown = Object.keys(environment).filter(
    (name) => name.startsWith(PREFIX) && !known.includes(name) && !OF_KUBERNETES.test(name),
  );
  return unknown.map((name) => {
    const near = nearName(
      name.slice(PREFIX.length),
      known.map((one) => one.slice(PREFIX.length)),
    );
    const shown = showValue(name).slice(1, -1);
    return `${shown} is no variable of this server and has no effect: ${near ? `did you mean ${PREFIX}${near}?` : 'see --help'}`;
  });
}
