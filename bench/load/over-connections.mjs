import { Connection } from './connection.mjs';
import { expectStatus } from './requests.mjs';

/**
 * Sends one request `count` times over `connections` keep-alive connections, each with its next request as soon as the
 * last is answered. Gives the seconds for all.
 */
export async function overConnections({ port, connections, count, request, status }) {
  const open = await Promise.all(Array.from({ length: connections }, () => Connection.open(port)));
  let left = count;
  const begin = performance.now();
  await Promise.all(
    open.map(async (connection) => {
      while (left-- > 0) expectStatus(await connection.exchange(request), status);
    }),
  );
  const seconds = (performance.now() - begin) / 1000;
  for (const connection of open) connection.close();
  return { seconds };
}
