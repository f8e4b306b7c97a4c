import { placeholdersIn } from '../format/placeholders.ts';
import { useCopy } from './use-copy.ts';
import './command-line.css';

/** Opens the gateway's tools in another tab, so that this page keeps content that it shows only once, such as the hash of a grant. */
export const ToolsLink = () => (
  <a href="/llms.txt" target="_blank" rel="noopener noreferrer">
    list of tools
  </a>
);

/** A command to copy, with the words that a person must replace. */
export const CommandLine = ({ text }: { readonly text: string }) => {
  const { copied, copy } = useCopy(text);
  const replaced = placeholdersIn(text);
  return (
    <span class="copy-command">
      <code>{text}</code>
      <button type="button" onClick={copy}>
        {copied ? 'Copied' : 'Copy'}
      </button>
      {replaced.length === 0 ? null : (
        <span class="replaced muted">
          {replaced.map(([word, meaning]) => (
            <span key={word}>
              Replace <code>{word}</code> with {meaning}
              {word === 'TOOL_URL' ? (
                <>
                  {' '}
                  of the <ToolsLink />
                </>
              ) : null}
              .{' '}
            </span>
          ))}
        </span>
      )}
    </span>
  );
};
