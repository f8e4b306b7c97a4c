import { useQuery } from '../../data/reading/query.ts';
import type { PageProps } from '../../data/session/scope.ts';
import { Page, Section } from '../../parts/page.tsx';
import { Result } from '../../parts/result.tsx';
import { Backends } from './backends.tsx';
import { GatewaySettings } from './gateway-settings.tsx';
import { Sessions } from './sessions.tsx';
import { WebhookList } from './webhook-list.tsx';
import './settings.css';

const OfGateway = () => {
  const query = useQuery(
    'settings',
    async (management, signal) => (await management.call('settings', { signal })).body,
    60,
  );
  return (
    <>
      <Section title="Settlement backends">
        <Backends />
      </Section>
      <Result query={query} rows={6}>
        {(settings) => <GatewaySettings settings={settings} />}
      </Result>
    </>
  );
};

/** The receivers of alerts, the sessions of the wallet, and how the gateway is deployed. */
export const Settings = ({ scope }: PageProps) => (
  <Page title="Settings">
    <Section
      title="Webhooks"
      note={scope.role === 'operator' ? 'alerts of all accounts' : 'alerts of your fleet'}
    >
      <WebhookList scope={scope} />
    </Section>
    <Section title="Sessions">
      <Sessions />
    </Section>
    {scope.role === 'operator' ? <OfGateway /> : null}
  </Page>
);
