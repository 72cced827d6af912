#import "PersonaTexture.h"

#include <lp_bridge.h>

#include <cstring>
#include <memory>
#include <mutex>

#include "texture_feed.h"

using lp_pack_flutter::TextureFeed;
using lp_pack_flutter::TexturePicture;

@implementation PersonaTexture {
  // Unregistered on the main thread only.
  __weak NSObject<FlutterTextureRegistry> *_registry;
  CVPixelBufferPoolRef _pool;
  // The picture shown last, retained: Flutter asks again whenever it composes a frame.
  CVPixelBufferRef _latest;
  std::mutex _mutex;
  std::unique_ptr<TextureFeed> _feed;
}

+ (nullable instancetype)textureWithSession:(int64_t)session
                                   registry:(NSObject<FlutterTextureRegistry> *)registry {
  PersonaTexture *texture = [[PersonaTexture alloc] init];
  return [texture startWithSession:session registry:registry] ? texture : nil;
}

- (BOOL)startWithSession:(int64_t)session registry:(NSObject<FlutterTextureRegistry> *)registry {
  lp_session *ticket = reinterpret_cast<lp_session *>(static_cast<intptr_t>(session));
  lp_info info = {};
  info.struct_size = sizeof info;
  if (lp_get_info(ticket, &info) != LP_OK) return NO;
  NSDictionary *attributes = @{
    (id)kCVPixelBufferPixelFormatTypeKey : @(kCVPixelFormatType_32BGRA),
    (id)kCVPixelBufferWidthKey : @(info.width_px),
    (id)kCVPixelBufferHeightKey : @(info.height_px),
    (id)kCVPixelBufferMetalCompatibilityKey : @YES,
    (id)kCVPixelBufferIOSurfacePropertiesKey : @{},
  };
  CVReturn made = CVPixelBufferPoolCreate(kCFAllocatorDefault, nullptr,
                                          (__bridge CFDictionaryRef)attributes, &_pool);
  if (made != kCVReturnSuccess) return NO;
  _registry = registry;
  _textureId = [registry registerTexture:self];
  __weak PersonaTexture *weakSelf = self;
  _feed = std::make_unique<TextureFeed>(ticket, LP_FORMAT_BGRA8, [weakSelf] {
    // Keeps the texture for the length of this call only; `stop` ends the calls.
    PersonaTexture *texture = weakSelf;
    [texture takePicture];
  });
  _feed->start();
  return YES;
}

/// On the feed's thread.
- (void)takePicture {
  TexturePicture picture;
  if (!_feed->latest(&picture)) return;
  CVPixelBufferRef buffer = nullptr;
  if (CVPixelBufferPoolCreatePixelBuffer(kCFAllocatorDefault, _pool, &buffer) !=
      kCVReturnSuccess) {
    return;
  }
  CVPixelBufferLockBaseAddress(buffer, 0);
  auto *to = static_cast<uint8_t *>(CVPixelBufferGetBaseAddress(buffer));
  const size_t stride = CVPixelBufferGetBytesPerRow(buffer);
  const size_t row = size_t{4} * picture.width_px;
  for (uint32_t y = 0; y < picture.height_px; ++y) {
    std::memcpy(to + y * stride, picture.pixels + y * row, row);
  }
  CVPixelBufferUnlockBaseAddress(buffer, 0);
  {
    const std::lock_guard<std::mutex> lock(_mutex);
    std::swap(_latest, buffer);
  }
  CVPixelBufferRelease(buffer);
  __weak PersonaTexture *weakSelf = self;
  dispatch_async(dispatch_get_main_queue(), ^{
    PersonaTexture *texture = weakSelf;
    if (texture != nil) [texture->_registry textureFrameAvailable:texture->_textureId];
  });
}

/// On Flutter's raster thread; the caller releases what it gets.
- (CVPixelBufferRef _Nullable)copyPixelBuffer {
  const std::lock_guard<std::mutex> lock(_mutex);
  return CVPixelBufferRetain(_latest);
}

- (void)redraw {
  if (_feed != nullptr) _feed->redraw();
}

- (void)stop {
  if (_feed == nullptr) return;
  _feed->stop();
  [_registry unregisterTexture:_textureId];
  _registry = nil;
}

- (void)dealloc {
  // `stop` was called, or the texture never started; the feed's thread cannot hold the last
  // reference then, so it is not joined from itself.
  CVPixelBufferRelease(_latest);
  CVPixelBufferPoolRelease(_pool);
}

@end
