import { type EgressReach, readEgressUrl } from '../../protocol/egress-url.ts';
import {
  type ListFault,
  type Listing,
  listTools,
  MAX_PAGE,
  MAX_REMOTE_TOOLS,
} from '../../remote/list-tools.ts';
import { openSession } from '../../remote/session.ts';
import { CliError, EXIT, networkReason, usageError } from '../lib/errors.ts';
import { printable } from '../lib/text.ts';

const TIMEOUT_MS = 30_000;

/** Lists the tools of a remote MCP server as the gateway would, with a bearer token where given. @throws CliError that says why they cannot be listed */
export const readListing = async (
  url: string,
  reach: EgressReach,
  signal: AbortSignal,
  token?: string,
): Promise<Listing> => {
  const allowed = readEgressUrl(url, reach);
  if (!allowed.ok) {
    throw usageError(
      `The gateway may not call ${printable(url)}: the URL ${allowed.error}.`,
      'Give the URL of the MCP endpoint, e.g. https://mcp.example/mcp.',
    );
  }
  let cause: unknown;
  const session = openSession({
    url,
    ...(token === undefined ? {} : { headers: new Headers({ Authorization: `Bearer ${token}` }) }),
    onDropped: (thrown) => {
      cause = thrown;
    },
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    maxBytes: MAX_PAGE,
  });
  const listing = await listTools(session);
  await session.close();
  signal.throwIfAborted();
  if (listing.ok) return listing.value;
  const reason = networkReason(cause) ?? `${why(listing.error)}.`;
  throw new CliError(`The tools of ${printable(url)} cannot be listed: ${reason}`, {
    hint: 'Check the URL with `curl -X POST`: the gateway lists them like that. If the server demands a token, give --bearer. The command changed nothing.',
    cause,
    exit: EXIT.failed,
    code: `remote_${listing.error.kind}`,
  });
};

const why = (fault: ListFault): string =>
  fault.kind === 'error'
    ? `the server answered with the error ${fault.error.code}, "${printable(fault.error.message)}"`
    : REASONS[fault.kind];

const REASONS: Readonly<Record<Exclude<ListFault['kind'], 'error'>, string>> = {
  too_many: `there are more than ${MAX_REMOTE_TOOLS}, and a gateway sells at most that many`,
  endless: 'the server repeats its pages, or has more than a hundred',
  oversized: 'a page is longer than 4 MiB, or all pages than 8 MiB',
  malformed: 'the answer is not that of an MCP server',
  status: 'the server answered with an HTTP error',
  timeout: 'the server did not answer in time',
  dropped: 'the connection failed',
  truncated: 'the answer broke off',
  redirect: 'the server redirects, which the gateway does not follow',
  payment: 'the server asks for money',
  encoding: 'the answer has a content encoding that was not requested',
};
