/** Paths that the Worker answers itself: no tool can be sold at one, or below one. */
export const OWN_PATHS = {
  home: '/',
  health: '/healthz',
  ready: '/readyz',
  receiptKeys: '/.well-known/jwks.json',
  description: '/.well-known/agent-intent',
  x402: '/.well-known/x402',
  openapi: '/openapi.json',
  llms: '/llms.txt',
  mcp: '/mcp',
  credits: '/credits',
  delegations: '/delegations',
  revocations: '/revocations',
  session: '/session',
  dashboard: '/dashboard',
  cardEvents: '/webhooks/cards/stripe',
} as const;

/** Folders that the Worker answers itself, with every path in them. */
export const OWN_FOLDERS = {
  calls: '/calls/',
  accounts: '/accounts/',
  admin: '/admin/',
  dashboard: `${OWN_PATHS.dashboard}/`,
  facilitator: '/facilitator/',
  log: '/log/',
} as const;

/** The segment of a URL after a slash. */
const segmentOf = (url: string, slash: number): string =>
  /[^/?#]*/.exec(url.slice(slash + 1))?.[0] ?? '';

const EXACT: ReadonlySet<string> = new Set(Object.values(OWN_PATHS));
const FOLDERS = Object.values(OWN_FOLDERS);

/** Whether the Worker answers a path itself. */
export const isOwnPath = (pathname: string): boolean =>
  EXACT.has(pathname) || FOLDERS.some((folder) => pathname.startsWith(folder));

const OWN_SEGMENTS: ReadonlySet<string> = new Set(
  [...EXACT, ...FOLDERS].map((path) => segmentOf(path, 0)),
);

/**
 * Whether a URL may belong to the gateway itself: its first segment is one of the segments above, or contains an escape that may decode to
 * one. Then the router decides.
 */
export const mayBeOwnUrl = (url: string): boolean => {
  const segment = segmentOf(url, url.indexOf('/', url.indexOf('//') + 2));
  return OWN_SEGMENTS.has(segment) || segment.includes('%');
};

/** Paths that no tool may use: also everything below the paths above, and two folders that later releases may use. */
const RESERVED = [
  ...Object.values(OWN_PATHS).flatMap((path) => (path === OWN_PATHS.home ? [] : `${path}/`)),
  ...FOLDERS,
  '/.well-known/',
  '/webhooks/cards/',
];

/** Whether no tool may be sold at a path: no request could reach it there, in this release or in a later one. */
export const isReservedPath = (path: string): boolean =>
  path === OWN_PATHS.home || RESERVED.some((folder) => `${path}/`.startsWith(folder));
