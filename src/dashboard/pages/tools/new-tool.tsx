import { useLocation } from 'wouter-preact';
import { Page } from '../../parts/page.tsx';
import { EditTool } from './edit-tool.tsx';

/** A tool that the gateway does not sell yet. For operators. */
export const NewTool = () => {
  const [, go] = useLocation();
  return (
    <Page title="New tool">
      <EditTool
        stored={undefined}
        onDone={(id) => go(`/tools/id/${id}`)}
        onCancel={() => go('/tools')}
      />
    </Page>
  );
};
