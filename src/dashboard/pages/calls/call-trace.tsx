import { traceLink } from '../../../protocol/trace-link.ts';
import { useQuery } from '../../data/reading/query.ts';
import type { Role } from '../../data/session/scope.ts';
import { shortened } from '../../format/text.ts';
import { Id } from '../../parts/id.tsx';

/** The trace of a call. Only operators may read the address of the collector, so only they get a link. */
export const CallTrace = ({ trace, role }: { readonly trace: string; readonly role: Role }) =>
  role === 'operator' ? <LinkedTrace trace={trace} /> : <PlainTrace trace={trace} />;

const PlainTrace = ({ trace }: { readonly trace: string }) => (
  <Id text={trace} label="the trace id" />
);

const LinkedTrace = ({ trace }: { readonly trace: string }) => {
  // The key of the settings page: both share one answer.
  const { data } = useQuery(
    'settings',
    async (management, signal) => (await management.call('settings', { signal })).body,
    60,
  );
  const url = data?.trace_url === undefined ? undefined : traceLink(data.trace_url, trace);
  return url === undefined ? (
    <PlainTrace trace={trace} />
  ) : (
    <a href={url} rel="noopener noreferrer" target="_blank" title={trace}>
      <code>{shortened(trace)}</code>
    </a>
  );
};
