/** Names of all endpoints that were registered in this process, by any app: what a testing module has to look for. */
const names = new Set<string>();

export function rememberName(name: string): void {
  names.add(name);
}

export function registeredNames(): string[] {
  return [...names];
}
