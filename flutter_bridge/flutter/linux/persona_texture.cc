#include "persona_texture.h"

#include <memory>

#include "texture_feed.h"

using lp_pack_flutter::TextureFeed;
using lp_pack_flutter::TexturePicture;

struct _PersonaTexture {
  FlPixelBufferTexture parent_instance;
  FlTextureRegistrar* registrar;
  TextureFeed* feed;
  // Until the first picture: one transparent pixel.
  uint8_t nothing[4];
};

G_DEFINE_TYPE(PersonaTexture, persona_texture, fl_pixel_buffer_texture_get_type())

// Runs on Flutter's raster thread.
static gboolean persona_texture_copy_pixels(FlPixelBufferTexture* texture, const uint8_t** pixels,
                                            uint32_t* width, uint32_t* height, GError**) {
  PersonaTexture* self = LP_PACK_PERSONA_TEXTURE(texture);
  TexturePicture picture;
  if (!self->feed->latest(&picture)) picture = {self->nothing, 1, 1};
  *pixels = picture.pixels;
  *width = picture.width_px;
  *height = picture.height_px;
  return TRUE;
}

// Runs on the main thread, to which the feed's thread sends it.
static gboolean persona_texture_announce(gpointer texture) {
  PersonaTexture* self = LP_PACK_PERSONA_TEXTURE(texture);
  if (self->registrar != nullptr) {
    fl_texture_registrar_mark_texture_frame_available(self->registrar, FL_TEXTURE(self));
  }
  return G_SOURCE_REMOVE;
}

static void persona_texture_finalize(GObject* object) {
  PersonaTexture* self = LP_PACK_PERSONA_TEXTURE(object);
  // Only now: the raster thread may hold a picture until the last reference is gone.
  delete self->feed;
  G_OBJECT_CLASS(persona_texture_parent_class)->finalize(object);
}

static void persona_texture_class_init(PersonaTextureClass* klass) {
  FL_PIXEL_BUFFER_TEXTURE_CLASS(klass)->copy_pixels = persona_texture_copy_pixels;
  G_OBJECT_CLASS(klass)->finalize = persona_texture_finalize;
}

static void persona_texture_init(PersonaTexture* self) {
  self->registrar = nullptr;
  self->feed = nullptr;
}

PersonaTexture* persona_texture_new(FlTextureRegistrar* registrar, lp_session* session) {
  auto* self = LP_PACK_PERSONA_TEXTURE(g_object_new(persona_texture_get_type(), nullptr));
  // A weak reference from the feed: its pictures must not keep the texture alive.
  auto weak = std::shared_ptr<GWeakRef>(new GWeakRef, [](GWeakRef* reference) {
    g_weak_ref_clear(reference);
    delete reference;
  });
  g_weak_ref_init(weak.get(), self);
  self->feed = new TextureFeed(session, LP_FORMAT_RGBA8, [weak] {
    gpointer texture = g_weak_ref_get(weak.get());
    if (texture == nullptr) return;
    // The last reference must not be given up on the feed's own thread.
    g_idle_add_full(G_PRIORITY_DEFAULT, persona_texture_announce, texture, g_object_unref);
  });
  if (self->feed->width_px() == 0 ||
      !fl_texture_registrar_register_texture(registrar, FL_TEXTURE(self))) {
    g_object_unref(self);
    return nullptr;
  }
  self->registrar = registrar;
  g_object_add_weak_pointer(G_OBJECT(registrar), reinterpret_cast<gpointer*>(&self->registrar));
  self->feed->start();
  return self;
}

void persona_texture_redraw(PersonaTexture* self) { self->feed->redraw(); }

void persona_texture_stop(PersonaTexture* self) {
  self->feed->stop();
  if (self->registrar == nullptr) return;
  FlTextureRegistrar* registrar = self->registrar;
  g_object_remove_weak_pointer(G_OBJECT(registrar), reinterpret_cast<gpointer*>(&self->registrar));
  self->registrar = nullptr;
  fl_texture_registrar_unregister_texture(registrar, FL_TEXTURE(self));
}
