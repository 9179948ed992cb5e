import { Controller, Get, Header, Inject, Module, Param, Sse } from '@nestjs/common';
import type { MessageEvent } from '@nestjs/common';
import { TusEventName, TusEvents, TusModule } from 'nestjs-tus';
import { filter, map, takeWhile } from 'rxjs';
import type { Observable } from 'rxjs';

@Controller()
export class ProgressController {
  constructor(@Inject(TusEvents) private readonly events: TusEvents) {}

  /** What happens to one upload, until it is complete or gone. */
  @Sse('progress/:id')
  progress(@Param('id') id: string): Observable<MessageEvent> {
    return this.events.all$.pipe(
      filter(({ upload }) => upload.id === id),
      map(({ name, upload: { offset, size } }) => ({ type: name, data: { offset, size } })),
      takeWhile(({ type }) => type === TusEventName.progress || type === TusEventName.created, true),
    );
  }

  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  page(): string {
    return PAGE;
  }
}

/** A browser knows how much it has sent; the server knows how much is stored. For real uploads, take tus-js-client. */
const PAGE = `<!doctype html>
<title>Progress</title>
<input type="file" id="file"> <progress id="bar" value="0" max="1"></progress> <output id="text"></output>
<script type="module">
  const tus = { 'Tus-Resumable': '1.0.0' };
  file.onchange = async () => {
    const [chosen] = file.files;
    const created = await fetch('files', { method: 'POST', headers: { ...tus, 'Upload-Length': chosen.size } });
    const url = created.headers.get('Location');
    const events = new EventSource('progress/' + url.split('/').pop());
    const show = ({ data }) => {
      const { offset, size } = JSON.parse(data);
      bar.value = offset / size;
      text.value = offset + ' of ' + size + ' bytes are stored';
    };
    events.addEventListener('tus.upload.progress', show);
    events.addEventListener('tus.upload.completed', (event) => { show(event); events.close(); });
    await new Promise((open) => (events.onopen = open));
    const headers = { ...tus, 'Upload-Offset': '0', 'Content-Type': 'application/offset+octet-stream' };
    await fetch(url, { method: 'PATCH', headers, body: chosen });
  };
</script>
`;

@Module({
  imports: [TusModule.forRoot({ path: 'files', uploadProgressInterval: 200 })],
  controllers: [ProgressController],
})
export class ExampleModule {}
