/** The path of a request target, as sent: nothing is decoded, a query is cut off. */
export function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}
