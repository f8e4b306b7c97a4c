import type { Hex } from '../../core/hex.ts';
import { formatDollars } from '../../protocol/amount.ts';
import type { GrantTerms } from '../data/grant-form.ts';
import { CommandLine, Id } from '../parts/copy.tsx';
import { Section } from '../parts/page.tsx';

/** What an agent needs to use a grant: the hash, on its first call. Its key stays where it runs. */
export const AgentNeeds = ({
  grant,
  terms: { maxPerCall, maxTotal },
}: {
  readonly grant: Hex;
  readonly terms: GrantTerms;
}) => {
  const spend = `{ perCall: '${formatDollars(maxPerCall)}', total: '${formatDollars(maxTotal)}', onlyCredit: true }`;
  return (
    <Section title="Give this to the agent">
      <div class="needs">
        <p>
          The grant <Id text={grant} label="the hash of the grant" /> is registered. It takes effect
          with the first call that names it; the agent then appears in your list. Your credit pays
          for the calls. Without <code>onlyCredit</code>, the agent’s own wallet pays once your
          credit is used up.
        </p>
        <p class="muted">In its code:</p>
        <CommandLine text={`createAgent({ account, authority: '${grant}', spend: ${spend} })`} />
        <p class="muted">Or in a shell, with the name of its key:</p>
        <CommandLine
          text={`npx countersign call '${location.origin}/tools/…' --credit --grant ${grant} --as <name>`}
        />
      </div>
    </Section>
  );
};
