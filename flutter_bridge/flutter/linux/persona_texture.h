// A Flutter texture that shows a session's latest picture.
#ifndef LP_PACK_FLUTTER_PERSONA_TEXTURE_H_
#define LP_PACK_FLUTTER_PERSONA_TEXTURE_H_

#include <flutter_linux/flutter_linux.h>
#include <lp_bridge.h>

G_BEGIN_DECLS

G_DECLARE_FINAL_TYPE(PersonaTexture, persona_texture, LP_PACK, PERSONA_TEXTURE,
                     FlPixelBufferTexture)

// Registers the texture and begins to show the session; null when the session is closed.
PersonaTexture* persona_texture_new(FlTextureRegistrar* registrar, lp_session* session);

// Draws the current frame again.
void persona_texture_redraw(PersonaTexture* self);

// Takes no more frames and unregisters the texture.
void persona_texture_stop(PersonaTexture* self);

G_END_DECLS

#endif  // LP_PACK_FLUTTER_PERSONA_TEXTURE_H_
