/** Objects that hurt whoever looks at them. `SECRET` is in every text that no client may see. */
export const SECRET = 's3cr3t';

export const throwingProxy = () =>
  new Proxy(
    {},
    {
      get: () => thrower('get'),
      has: () => thrower('has'),
      ownKeys: () => thrower('ownKeys'),
      getOwnPropertyDescriptor: () => thrower('getOwnPropertyDescriptor'),
      getPrototypeOf: () => thrower('getPrototypeOf'),
    },
  );

/** An object whose `names` throw when they are read. */
export function withThrowingGetters(...names) {
  const object = {};
  for (const name of names) {
    Object.defineProperty(object, name, { enumerable: true, get: () => thrower(name) });
  }
  return object;
}

export function circular() {
  const object = { self: undefined };
  object.self = object;
  return object;
}

export function deeplyNested(levels) {
  let object = {};
  for (let level = 0; level < levels; level++) object = { inner: object };
  return object;
}

function thrower(what) {
  throw new Error(`${SECRET}: ${what} was not meant to be read`);
}
