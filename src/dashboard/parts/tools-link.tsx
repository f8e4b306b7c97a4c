/** Leads to the tools of the gateway in another tab: what the page shows once, such as the hash of a grant, stays. */
export const ToolsLink = () => (
  <a href="/llms.txt" target="_blank" rel="noopener noreferrer">
    list of tools
  </a>
);
