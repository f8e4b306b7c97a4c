import { formatDollars } from '../../../protocol/amount.ts';
import { isFiat } from '../../../protocol/fiat-asset.ts';
import type { GrantRow } from '../../data/grants/grant-rows.ts';
import { sampleTool } from '../../data/tools/sample-tool.ts';
import { usePublicTools } from '../../data/tools/use-public-tools.ts';
import { shown } from '../../format/text.ts';
import { CommandLine, ToolsLink } from '../../parts/command-line.tsx';
import { Id } from '../../parts/id.tsx';
import { Section } from '../../parts/page.tsx';

/** The lines with which an agent uses a grant: they name its hash on the first call. Its key stays where it runs. */
export const AgentNeeds = ({ hash, terms }: Pick<GrantRow, 'hash' | 'terms'>) => {
  const limits = (
    [
      ['perCall', terms?.perCall],
      ['total', terms?.lifetime],
    ] as const
  ).flatMap(([name, amount]) =>
    amount === undefined ? [] : [`${name}: '${formatDollars(amount)}'`],
  );
  const isCard = terms?.assets?.some(isFiat) === true;
  const tools = usePublicTools();
  const sample = isCard || terms === undefined ? undefined : sampleTool(tools, terms);
  const spend = isCard
    ? `{ perCall: '$0', total: '$0', card: { ${limits.join(', ')} } }`
    : `{ ${[...limits, 'onlyCredit: true'].join(', ')} }`;
  return (
    <Section title="Give this to the agent">
      <div class="needs">
        <p>
          The grant <Id text={hash} label="the hash of the grant" /> is registered. It takes effect
          with the first call that names it. Until then its status is “offered”, and the page of the
          agent shows these lines.{' '}
          {isCard ? (
            'The operator’s card pays for the calls, as soon as a policy of the operator allows dollars to you or to the agent.'
          ) : (
            <>
              Your credit pays for the calls. Without <code>onlyCredit</code>, the agent’s own
              wallet pays once your credit is used up.
            </>
          )}
        </p>
        <p class="muted">
          In its code, where <code>account</code> signs with the key of the agent:
        </p>
        <CommandLine text={`createAgent({ account, authority: '${hash}', spend: ${spend} })`} />
        <p class="muted">Or in a shell, on the machine that has its key:</p>
        <CommandLine
          text={`npx countersign call ${sample?.url ?? 'TOOL_URL'}${isCard ? '' : ' --credit'} --grant ${hash} --as AGENT_KEY`}
        />
        {sample === undefined ? null : (
          <p class="muted">
            The command calls {shown(sample.id)} for {formatDollars(sample.amount)}. The{' '}
            <ToolsLink /> has the others.
          </p>
        )}
      </div>
    </Section>
  );
};
