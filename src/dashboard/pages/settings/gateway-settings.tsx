import type { AnswerOf } from '../../../client/management.ts';
import { networkName } from '../../../protocol/network-name.ts';
import { policyLines } from '../../../policy/policy-lines.ts';
import { readPolicy } from '../../../policy/read-policy.ts';
import { PAGE_STYLE } from '../../format/policy-lines.ts';
import { addressIn, shown } from '../../format/text.ts';
import { Badge } from '../../parts/badge.tsx';
import { CommandLine } from '../../parts/command-line.tsx';
import { Id } from '../../parts/id.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Section } from '../../parts/page.tsx';

type Settings = AnswerOf<'settings'>;

const DefaultPolicy = ({ settings }: { readonly settings: Settings }) => {
  const policy = readPolicy(settings.default_policy);
  const lines = policy === undefined ? [] : policyLines(policy, PAGE_STYLE);
  return (
    <>
      {policy !== undefined && lines.length === 0 ? <p>It sets no limit.</p> : null}
      <Facts
        facts={[
          ...lines.map(([name, value]) => [name, shown(value)] as const),
          ['Hash', <Id text={settings.default_policy_hash} label="the hash of the policy" />],
        ]}
      />
      <details>
        <summary>As JSON</summary>
        <pre tabIndex={0} aria-label="Default policy">
          {JSON.stringify(settings.default_policy, undefined, 2)}
        </pre>
      </details>
    </>
  );
};

/** The deployment of the gateway. Only a new deployment changes it, so there is a command instead of a button. */
export const GatewaySettings = ({ settings }: { readonly settings: Settings }) => (
  <>
    <Section title="Gateway">
      <Facts
        facts={[
          ['New calls', <Badge state={settings.paused ? 'paused' : 'accepted'} />],
          ['Addresses', settings.audiences.map((audience) => <div key={audience}>{audience}</div>)],
          ['Networks', settings.networks.map((each) => <div key={each}>{networkName(each)}</div>)],
          [
            'Account of the gateway',
            <Id text={addressIn(settings.gateway_account)} label="the account of the gateway" />,
          ],
          [
            'Log kept in the database',
            settings.retain_days === undefined
              ? 'all of it'
              : `${settings.retain_days} days, then in the archive`,
          ],
        ]}
      />
    </Section>
    <Section title="Operators">
      <ul class="people">
        {settings.operators.map((address) => (
          <li key={address}>
            <Id text={address} label="the address of the operator" />
          </li>
        ))}
      </ul>
      <p class="muted">
        To change them, edit the variable OPERATORS in wrangler.toml, then deploy:
      </p>
      <CommandLine text="npx countersign deploy" />
    </Section>
    <Section title="Default policy">
      <p class="muted">
        Binds every account for which no operator has set a policy. To change it, edit the variable
        DEFAULT_POLICY, then deploy.
      </p>
      <DefaultPolicy settings={settings} />
    </Section>
  </>
);
