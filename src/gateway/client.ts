/**
 * Whom the shield counts: the address Cloudflare saw; a header of that name cannot be forged there. Of an IPv6 address the network
 * part, because one client has 2^64 of the rest.
 */
export const clientOf = (headers: Headers): string => {
  const address = headers.get('CF-Connecting-IP') ?? 'unknown';
  if (!address.includes(':')) return address;
  // `::` hides zeros: without them written out, the fourth group would be one that the client chooses.
  const [front = '', back] = address.split('::');
  const head = front === '' ? [] : front.split(':');
  const tail = back === undefined || back === '' ? [] : back.split(':');
  const zeros = back === undefined ? 0 : Math.max(0, 8 - head.length - tail.length);
  return [...head, ...Array<string>(zeros).fill('0'), ...tail].slice(0, 4).join(':');
};
