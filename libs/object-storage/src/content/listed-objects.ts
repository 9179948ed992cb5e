import type { ListedKeys, ListPosition, Objects } from '../objects.js';

/** True when there is an object with this key. A list says so for certain, while a 404 to HEAD may be a proxy's. */
export async function isListed(objects: Objects, key: string): Promise<boolean> {
  const { keys } = await objects.list(key, {}, 1);
  return keys[0]?.key === key;
}

/** Removes every object whose key begins with `prefix`, comes after `after`, and has no further slash. */
export async function removeAll(objects: Objects, prefix: string, after?: string): Promise<void> {
  for (let from: ListPosition | undefined = { after }; from;) {
    const page: ListedKeys = await objects.list(prefix, from);
    await Promise.all(page.keys.map(({ key }) => objects.remove(key)));
    from = page.next;
  }
}
